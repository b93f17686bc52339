//! `orochi hook`: run by coding agents at certain moments of a session.

use clap::Args;

use crate::failure::Failure;

/// `orochi hook`.
#[derive(Debug, Args)]
pub struct Hook {
    /// claude, codex, cursor or gemini, to try it by hand; without it, the input determines the client
    client: Option<String>,
}

impl Hook {
    /// Runs the hook. It never fails, because it must not disturb the client.
    ///
    /// # Errors
    /// Never fails.
    pub fn run(&self) -> Result<(), Failure> {
        orochi_agent::hook::run(self.client.as_deref());
        Ok(())
    }
}

/// Returns whether these are the arguments of a hook. Clients run hooks several times in a turn, and parsing all
/// commands would take most of a hook's time.
pub fn is_hook(args: &[std::ffi::OsString]) -> bool {
    args.len() == 2 && args[1] == "hook"
}
