//! The Unix socket for the hooks of this session.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::state::Shared;
use crate::dirs;
use crate::ipc::{self, Ask};

/// A hook sends its line at once, so both limits are generous.
const LINE_MAX: u64 = 64 * 1024;
const ASK_MAX: Duration = Duration::from_secs(1);
/// A hook ends within 50 ms. Without a report after this time, it has printed nothing.
const PRINT_MAX: Duration = Duration::from_secs(2);

/// A bound socket. Dropping it removes its file.
#[derive(Debug)]
pub(super) struct Bound {
    path: PathBuf,
    listener: Mutex<Option<StdListener>>,
}

/// Binds the socket of this client's process.
pub(super) fn bind(client_pid: u32) -> io::Result<Bound> {
    let path = dirs::socket(&dirs::make_runtime()?, client_pid)?;
    if path.exists() {
        if StdStream::connect(&path).is_ok() {
            let reason = format!("another resident of the client's process {client_pid} has {}", path.display());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, reason));
        }
        std::fs::remove_file(&path)?;
    }
    let listener = StdListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(Bound { path, listener: Mutex::new(Some(listener)) })
}

impl Bound {
    /// Answers hooks from now on.
    pub(super) fn serve(&self, shared: Arc<Shared>) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(listener) = listener.and_then(|listener| UnixListener::from_std(listener).ok()) else { return };
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => _ = tokio::spawn(answer(Arc::clone(&shared), stream)),
                    // Out of descriptors, for example: the hooks go on without the resident.
                    Err(_) => tokio::time::sleep(ASK_MAX).await,
                }
            }
        });
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // An error means that the file is gone already.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer(shared: Arc<Shared>, stream: UnixStream) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let read = timeout(ASK_MAX, (&mut stream).take(LINE_MAX).read_line(&mut line)).await;
    let Some(ask) = read.ok().and_then(Result::ok).and_then(|_| serde_json::from_str::<Ask>(&line).ok()) else {
        return;
    };
    let kind = ipc::kind(&ask.event);
    let (offer, answer) = shared.hook(&ask, kind);
    let Ok(mut line) = serde_json::to_string(&answer) else { return };
    line.push('\n');
    let mut has_printed = stream.get_mut().write_all(line.as_bytes()).await.is_ok() && answer.context.is_some();
    if has_printed {
        let mut line = String::new();
        let read = timeout(PRINT_MAX, (&mut stream).take(LINE_MAX).read_line(&mut line)).await;
        has_printed = matches!(read, Ok(Ok(_))) && line == ipc::PRINTED;
    }
    if let Some(kind) = kind {
        shared.with(|state, _| {
            if has_printed { state.machine.printed(offer.id, kind) } else { state.machine.dropped(offer.id, kind) }
        });
    }
}
