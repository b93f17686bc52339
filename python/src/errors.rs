//! Converts the client's errors to the exceptions in orochi/exceptions.py.

use orochi_client::Error;
use pyo3::prelude::*;

/// The exception for an error. If the package can't be imported, the import's own error.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    make(py, error).unwrap_or_else(|failed| failed)
}

/// The exception of a forked child that uses its parent's client.
pub(crate) fn foreign_process(py: Python<'_>, owner: u32) -> PyErr {
    let text = format!(
        "this client was connected by process {owner}, and a forked child can't use it: make an OrochiClient in each process"
    );
    let made = py.import("orochi.exceptions").and_then(|module| module.getattr("NotConnected")?.call1((text,)));
    made.map_or_else(|failed| failed, PyErr::from_value)
}

fn make(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let module = py.import("orochi.exceptions")?;
    let text = error.to_string();
    let value = match error {
        Error::Refused { code, detail, retry_after, status } => {
            module.getattr("RequestRefused")?.call1((code.as_str(), detail, *retry_after, *status))?
        }
        Error::Invalid(refusal) => {
            let no_more: (Option<f64>, Option<u16>) = (None, None);
            let code = refusal.code.as_str();
            module.getattr("RequestRefused")?.call1((code, &refusal.detail, no_more.0, no_more.1))?
        }
        Error::Unreachable { .. } => module.getattr("HubUnreachable")?.call1((text,))?,
        Error::AuthFailed { .. } => module.getattr("AuthenticationFailed")?.call1((text,))?,
        Error::ConnectionLost { .. } => module.getattr("ConnectionLost")?.call1((text,))?,
        Error::Closed => module.getattr("NotConnected")?.call1((text,))?,
        Error::OldHub { .. } => module.getattr("UnsupportedByHub")?.call1((text,))?,
    };
    Ok(PyErr::from_value(value))
}
