//! The hub's log on stderr: text for a terminal, else one JSON object a line.

use std::io::IsTerminal;
use std::panic;

use orochi_hub::config::{Config, LogFormat};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::stderr;

/// Libraries whose info says nothing to an operator; a filter that names them wins.
const QUIET: &str = "rmcp=warn";

/// Starts logging for this process; a second start changes nothing.
///
/// # Errors
/// A filter that can't be read, or no thread for the log.
pub fn start(config: &Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log)).map_err(|_| {
        Failure::Usage(format!(
            "OROCHI_LOG is {:?}; expected error, warn, info, debug, trace or a filter such as warn,orochi_hub=debug",
            config.log
        ))
    })?;
    stderr::queued().map_err(|error| Failure::Hub(format!("cannot start the log: {error}")))?;
    let terminal = std::io::stderr().is_terminal();
    let json = match config.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| stderr::Writer)
        // It would report its own errors with eprintln!, which panics where stderr takes nothing.
        .log_internal_errors(false)
        .with_ansi(terminal);
    // A second start in one process: the first log goes on.
    let _ = if json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        lines.try_init()
    };
    // The standard hook waits for a stderr that nobody reads, and writes no JSON.
    panic::set_hook(Box::new(|info| tracing::error!("{info}")));
    Ok(())
}
