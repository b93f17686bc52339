//! The thread that runs all clients of this process. It never touches the interpreter.
//!
//! It is not stopped at the end of the program: it holds no Python objects, so the process can end at any time. A
//! forked child has no copy of the thread and starts its own.

use std::sync::{Mutex, PoisonError};
use std::{io, thread};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle};

/// The thread's runtime, and the process that owns the thread. Only threads with the GIL take the lock, and a thread
/// that calls `os.fork` has it too, so no child inherits the lock in a locked state.
static RUNTIME: Mutex<Option<(u32, Handle)>> = Mutex::new(None);

/// The runtime of this process, started at first use.
pub(crate) fn handle(_py: Python<'_>) -> PyResult<Handle> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    match &*runtime {
        Some((owner, handle)) if *owner == pid => Ok(handle.clone()),
        _ => {
            let handle = start().map_err(|error| PyOSError::new_err(format!("the client's thread: {error}")))?;
            // The parent's handle is not dropped: the parent's thread may have been changing its memory.
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
