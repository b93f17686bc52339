//! `orochi._native`: the Rust client for Python. This crate makes no decisions: it converts values, and releases the
//! interpreter before it waits.
//!
//! Only Python's own threads touch the interpreter. A request is queued under a ticket, and its answer waits in
//! [`events::Events`], as received messages wait in the client's inbox. A byte in a socket pair, which the event loop
//! watches with `loop.add_reader`, wakes the loop once, and it takes everything that is there. A future that another
//! thread resolves would cost a call between threads (with one for each message, 5 thousand messages a second were
//! measured), and that thread may still run while the interpreter ends, which crashes the process
//! (docs/architecture.md).

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
