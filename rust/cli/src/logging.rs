//! The hub's own log on stderr: text for a terminal, else one JSON object on each line.

use std::io::IsTerminal;
use std::panic;

use orochi_hub::{Config, LogFormat};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::failure::Failure;
use crate::stderr;

/// Libraries whose info lines don't help operators. A filter that names them takes precedence.
const QUIET: &str = "rmcp=warn";

/// Starts logging for this process. A second call changes nothing.
///
/// # Errors
/// Fails if the filter is invalid, or the log's thread can't be started.
pub fn start(config: &Config) -> Result<(), Failure> {
    let filter: Targets = format!("{QUIET},{}", config.log).parse().map_err(|_| {
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
    let lines = fmt::layer()
        .with_writer(|| stderr::Writer)
        // tracing would report its own errors with eprintln!, which panics if stderr can't be written.
        .log_internal_errors(false)
        .with_ansi(terminal);
    let lines = if json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    } else {
        lines.boxed()
    };
    // If logging was already started in this process, the first log continues.
    let _ = registry().with(filter).with(lines).try_init();
    // The standard hook would block if nobody reads stderr, and does not write JSON.
    panic::set_hook(Box::new(|info| tracing::error!("{info}")));
    Ok(())
}
