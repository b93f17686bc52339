//! `orochi._native`: the Rust client for Python. Nothing here decides anything: values
//! are converted, and the interpreter is let go of before anything waits.
//!
//! Requests become asyncio futures through pyo3-async-runtimes: one future a request is what a caller
//! awaits anyway. Messages do not: a future a message was measured at 5 thousand messages a second. They
//! wait in the client's inbox; the event loop is woken once, by a byte in a socket pair that it watches
//! with `loop.add_reader`, and takes all that are there with [`client::NativeClient::drain`].

mod client;
mod errors;

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
