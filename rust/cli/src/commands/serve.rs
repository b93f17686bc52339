//! `orochi serve`: logging, the runtime and the hub; says on stderr where it is once it is ready.

mod block;
mod ready_file;

use std::io::{self, IsTerminal, Write};

use orochi_hub::config::{Config, LogFormat};
use orochi_hub::server::{self, Ready, ServeError};

use crate::failure::Failure;
use crate::logging;
use ready_file::ReadyFile;

/// Runs the hub until SIGTERM or SIGINT.
///
/// # Errors
/// Whatever keeps it from starting.
pub fn run(config: Config) -> Result<(), Failure> {
    // Before anything is opened or logged: this is the user's to mend, and one sentence says it.
    config.check().map_err(|error| Failure::Usage(error.to_string()))?;
    logging::start(&config)?;
    let ready_file = config.ready_file.as_deref().map(ReadyFile::prepare).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::Hub(format!("cannot start: {error}; the system's limit on threads may be reached"))
    })?;
    let told = config.clone();
    let ended = runtime.block_on(server::serve(config, |ready| announce(&told, ready, ready_file.as_ref())));
    ended.map_err(|error| match error {
        ServeError::Config(error) => Failure::Usage(error.to_string()),
        other => Failure::Hub(other.to_string()),
    })
}

fn announce(config: &Config, ready: &Ready, ready_file: Option<&ReadyFile>) {
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
        // A closed stderr keeps no hub from working.
        let _ = io::stderr().write_all(block::text(config, ready, io::stderr().is_terminal()).as_bytes());
    }
    // Last: who waits for this file finds the block written.
    if let Some(Err(error)) = ready_file.map(|file| file.write(ready)) {
        tracing::error!("{error}");
    }
}
