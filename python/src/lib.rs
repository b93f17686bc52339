//! `orochi._native`: the Rust client for Python. Nothing here decides anything: values
//! are converted, and the interpreter is let go of before anything waits.
//!
//! No thread but those of Python touches the interpreter. A request is queued under a ticket, and its answer waits in
//! [`events::Events`] as received messages wait in the client's inbox; the event loop is woken once, by a byte in a
//! socket pair that it watches with `loop.add_reader`, and takes all that are there. A future that another thread
//! resolves costs a call between threads (5 thousand messages a second were measured with one for each), and that
//! thread may be at it while the interpreter ends, which crashes the process (docs/architecture.md).

mod client;
mod convert;
mod errors;
mod events;
mod register;
mod runtime;

use pyo3::prelude::*;

/// The names that a text mentions, each once, in order of appearance (docs/protocol.md, section 4).
#[pyfunction]
fn mentions(content: &str) -> Vec<String> {
    orochi_protocol::mentions::extract(content).iter().map(ToString::to_string).collect()
}

/// The native half of the `orochi` package.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<client::NativeClient>()?;
    module.add_function(wrap_pyfunction!(mentions, module)?)?;
    Ok(())
}
