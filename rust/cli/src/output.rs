//! Writes lines to stdout. Each line is written at once, so that the reader of a pipe gets it without delay.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use serde::Serialize;
use tokio::io::Interest;
use tokio::net::unix::pipe;

use crate::failure::Failure;
use crate::writing::write_all;

/// Writes one line. Text from strangers must have passed [`crate::text`].
///
/// # Errors
/// [`Failure::PipeClosed`] if nobody reads any more.
pub fn line(text: &str) -> Result<(), Failure> {
    all(&format!("{text}\n"))
}

/// Writes `value` as JSON, indented by two.
///
/// # Errors
/// [`Failure::PipeClosed`] if nobody reads any more.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(&serde_json::to_string_pretty(value).map_err(io::Error::from)?)
}

/// Writes `value` as one line of JSON.
///
/// # Errors
/// [`Failure::PipeClosed`] if nobody reads any more.
pub fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    line(&serde_json::to_string(value).map_err(io::Error::from)?)
}

/// Writes a text unchanged and completely.
///
/// # Errors
/// [`Failure::PipeClosed`] if nobody reads any more.
pub fn all(text: &str) -> Result<(), Failure> {
    // Bypass the standard library's buffer, which would write its rest again at the end.
    let mut out = io::stdout().as_fd().try_clone_to_owned().map(File::from)?;
    Ok(write_all(&mut out, text.as_bytes()).1?)
}

/// Waits until nobody reads stdout any more, so that `orochi listen | head -1` ends with its reader and not with the
/// next message. Never resolves if stdout is a file or can't be watched.
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
