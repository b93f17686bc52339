//! The thread on which all clients of this process run. It never touches the interpreter.
//!
//! It is not stopped at the end of the program: it holds nothing of Python, so the process can end under it at any
//! time. A forked child has no copy of the thread and gets one of its own.

use std::sync::{Mutex, PoisonError};
use std::{io, thread};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle};

/// The thread's runtime, and the process that the thread belongs to. The lock is only taken by threads that hold the
/// GIL, as a thread that calls `os.fork` does: no child inherits it locked.
static RUNTIME: Mutex<Option<(u32, Handle)>> = Mutex::new(None);

/// The runtime of this process, started when it is first needed.
pub(crate) fn handle(_py: Python<'_>) -> PyResult<Handle> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    match &*runtime {
        Some((owner, handle)) if *owner == pid => Ok(handle.clone()),
        _ => {
            let handle = start().map_err(|error| PyOSError::new_err(format!("the client's thread: {error}")))?;
            // The parent's handle is not dropped: its memory is as the parent's thread left it, in the middle of work.
            std::mem::forget(runtime.replace((pid, handle.clone())));
            Ok(handle)
        }
    }
}

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("orochi-client".to_owned()).spawn(move || {
        runtime.block_on(std::future::pending::<()>());
    })?;
    Ok(handle)
}
