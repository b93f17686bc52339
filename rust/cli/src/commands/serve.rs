//! `orochi serve`: logging, the runtime and the hub; says on stderr where it is once it is ready.

mod block;
mod ready_file;

use std::io::{self, IsTerminal};
use std::time::Duration;

use orochi_hub::config::{Checked, Config, LogFormat};
use orochi_hub::server::{self, Ready, ServeError};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;
use crate::logging;
use crate::stderr;
use ready_file::ReadyFile;

/// What starts is said well within this where anybody takes it.
const BLOCK_WRITTEN_MAX: Duration = Duration::from_secs(1);

/// How long the stopped hub waits for threads that read the disk.
const THREADS_STOP_MAX: Duration = Duration::from_millis(500);

/// Runs the hub until SIGTERM or SIGINT.
///
/// # Errors
/// Whatever keeps it from starting.
pub fn run(config: Config) -> Result<(), Failure> {
    // Before anything is opened or logged: this is the user's to mend, and one sentence says it.
    let config = config.check().map_err(|error| Failure::Usage(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::Hub(format!("cannot start: {error}; the system's limit on threads may be reached"))
    })?;
    survive_file_limit(&runtime);
    logging::start(&config)?;
    let ready_file = config.ready_file.as_deref().map(ReadyFile::prepare).transpose()?;
    let ended = runtime.block_on(server::serve(&config, |ready| announce(&config, ready, ready_file.as_ref())));
    // Reads that were interrupted end at once; a disk that hangs must not keep the process.
    runtime.shutdown_timeout(THREADS_STOP_MAX);
    ended.map_err(|error| match error {
        ServeError::Config(error) => Failure::Usage(error.to_string()),
        other => Failure::Hub(other.to_string()),
    })
}

/// A file that may not grow any further is an error of the write, as on a full disk, and not the end of the process.
fn survive_file_limit(runtime: &Runtime) {
    /// SIGXFSZ of Linux and macOS, for which tokio has no name.
    const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);
    let _context = runtime.enter();
    // The handler stays for the life of the process. A system without it ends the hub, which loses nothing acked.
    let _ = signal(FILE_TOO_LARGE);
}

fn announce(config: &Checked, ready: &Ready, ready_file: Option<&ReadyFile>) {
    if config.log_format == LogFormat::Json {
        // Whoever asked for JSON parses every line of stderr.
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
    // Last: who waits for this file finds the block written.
    stderr::flush(BLOCK_WRITTEN_MAX);
    if let Some(Err(error)) = ready_file.map(|file| file.write(ready)) {
        tracing::error!("{error}");
    }
}
