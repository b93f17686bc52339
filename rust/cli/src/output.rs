//! What goes to stdout: lines, each written out at once, so that a reader of a pipe has it when it happens.

use std::io::{self, Write};
use std::os::fd::AsFd;

use serde::Serialize;
use tokio::io::Interest;
use tokio::net::unix::pipe;

use crate::failure::Failure;

/// Writes one line. What strangers wrote has been through [`crate::text`].
///
/// # Errors
/// [`Failure::PipeClosed`] when nobody reads any more.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Writes `value` as JSON for people and programs, indented by two.
///
/// # Errors
/// [`Failure::PipeClosed`] when nobody reads any more.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Writes `value` as one line of JSON.
///
/// # Errors
/// [`Failure::PipeClosed`] when nobody reads any more.
pub fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(io::Error::from)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Waits until nobody reads stdout any more: `orochi listen | head -1` ends with its reader, not with the message
/// after. Never ends where stdout is a file, or something else that can't be asked.
pub async fn closed() {
    // Nothing is written through this copy, so stdout may stay blocking.
    let watched = io::stdout().as_fd().try_clone_to_owned().and_then(pipe::Sender::from_owned_fd_unchecked);
    let gone = match watched {
        Ok(watched) => watched.ready(Interest::ERROR).await.is_ok(),
        Err(_) => false,
    };
    if !gone {
        std::future::pending().await
    }
}
