//! `orochi statusline`: prints one line for a coding agent's status bar.

use std::io::{self, Read};
use std::time::Duration;

use clap::Args;
use orochi_agent::ipc::{Ask, Conversation};

use crate::failure::Failure;
use crate::{output, text};

/// The longest wait for the resident, because a status bar is drawn often.
const LIMIT: Duration = Duration::from_millis(100);
/// The most input that is read. It describes the client's session and is not used yet.
const INPUT_MAX: u64 = 1024 * 1024;

/// `orochi statusline`.
#[derive(Debug, Args)]
pub struct Statusline {}

impl Statusline {
    /// Prints the line. It never fails.
    ///
    /// # Errors
    /// Never fails.
    pub fn run(&self) -> Result<(), Failure> {
        if !io::IsTerminal::is_terminal(&io::stdin()) {
            // The client may wait until its input is read.
            let _ = io::copy(&mut io::stdin().lock().take(INPUT_MAX), &mut io::sink());
        }
        let ask = Ask { event: "status".to_owned(), ..Ask::default() };
        let line = match Conversation::with_own_resident(&ask, LIMIT).map(|conversation| conversation.answer) {
            Some(answer) if answer.is_connected => {
                format!("orochi {} · {} wait", text::inline(&answer.name), answer.waiting)
            }
            Some(answer) if !answer.refused.is_empty() => {
                format!("orochi {} · refused by the hub: orochi doctor", text::inline(&answer.name))
            }
            Some(answer) => format!("orochi {} · hub away", text::inline(&answer.name)),
            None => "orochi · not running".to_owned(),
        };
        // If the status bar is gone, nobody needs the line.
        let _ = output::line(&line);
        Ok(())
    }
}
