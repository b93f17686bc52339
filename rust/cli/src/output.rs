//! What goes to stdout: lines, each written out at once, so that a reader of a pipe has it when it happens.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use serde::Serialize;
use tokio::io::Interest;
use tokio::net::unix::pipe;

use crate::failure::Failure;

/// Writes one line.
///
/// # Errors
/// [`Failure::PipeClosed`] when nobody reads any more.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        writeln!(out, "{}", harmless(text))?;
    } else {
        writeln!(out, "{text}")?;
    }
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

/// What other agents wrote must not command the terminal: control characters are shown, not sent.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            // The control pictures of Unicode mirror the ASCII ones.
            '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}' => '\u{fffd}',
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_cannot_command_the_terminal() {
        assert_eq!(super::harmless("a\x1b[2Jb\x07\n\tü\u{9b}"), "a␛[2Jb␇\n\tü\u{fffd}");
    }
}
