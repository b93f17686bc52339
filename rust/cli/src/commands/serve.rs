//! `orochi serve`: sets up logging and the runtime, runs the hub, and prints its addresses on stderr once it is ready.

mod block;
mod ready_file;

use std::io::{self, IsTerminal};
use std::time::Duration;

use orochi_hub::{Checked, Config, LogFormat};
use orochi_hub::{Ready, ServeError};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;
use crate::logging;
use crate::stderr;
use ready_file::ReadyFile;

/// The longest wait for writing the start block. If anybody reads stderr, it takes far less.
const BLOCK_WRITTEN_MAX: Duration = Duration::from_secs(1);

/// The longest wait of a stopped hub for threads that read the disk.
const THREADS_STOP_MAX: Duration = Duration::from_millis(500);

/// Runs the hub until SIGTERM or SIGINT.
///
/// # Errors
/// Anything that keeps the hub from starting.
pub fn run(config: Config) -> Result<(), Failure> {
    // Check before anything is opened or logged: the user has to correct this, and one sentence is enough.
    let config = config.check().map_err(|error| Failure::Usage(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::Hub(format!("cannot start: {error}; the system's limit on threads may be reached"))
    })?;
    survive_file_limit(&runtime);
    logging::start(&config)?;
    let ready_file = config.ready_file.as_deref().map(ReadyFile::prepare).transpose()?;
    let ended = runtime.block_on(orochi_hub::serve(&config, |ready| announce(&config, ready, ready_file.as_ref())));
    // Interrupted reads end at once. A hanging disk must not keep the process alive.
    runtime.shutdown_timeout(THREADS_STOP_MAX);
    ended.map_err(|error| match error {
        ServeError::Config(error) => Failure::Usage(error.to_string()),
        other => Failure::Hub(other.to_string()),
    })
}

/// Turns SIGXFSZ into a failed write, as on a full disk. By default, the signal would end the process.
fn survive_file_limit(runtime: &Runtime) {
    /// SIGXFSZ on Linux and macOS. tokio has no name for it.
    const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);
    let _context = runtime.enter();
    // The handler stays for the life of the process. If the system has none, the hub ends there, which loses nothing
    // acked.
    let _ = signal(FILE_TOO_LARGE);
}

fn announce(config: &Checked, ready: &Ready, ready_file: Option<&ReadyFile>) {
    if config.log_format == LogFormat::Json {
        // With JSON logs, every line of stderr must be JSON.
        tracing::info!(
            agents = ready.agent_url,
            dashboard = ready.dashboard_url,
            log = %ready.db.display(),
            log_note = ready.db_note,
            upgraded_from = ready.upgraded_from.as_ref().map(|path| path.display().to_string()),
            token_required = ready.token_required,
            "ready"
        );
    } else {
        stderr::say(&block::text(config, ready, io::stderr().is_terminal()));
    }
    // Last, so that a program that waits for this file finds the block already written.
    stderr::flush(BLOCK_WRITTEN_MAX);
    if let Some(Err(error)) = ready_file.map(|file| file.write(ready)) {
        tracing::error!("{error}");
    }
}
