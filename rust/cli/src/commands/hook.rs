//! `orochi hook`: what coding agents run at each moment of a session.

use clap::Args;

use crate::failure::Failure;

/// `orochi hook`.
#[derive(Debug, Args)]
pub struct Hook {
    /// claude, codex, cursor or gemini, for trying it by hand; left out, the input tells
    client: Option<String>,
}

impl Hook {
    /// Runs it. It never fails: a client must not be disturbed.
    ///
    /// # Errors
    /// None.
    pub fn run(&self) -> Result<(), Failure> {
        orochi_agent::hook::run(self.client.as_deref());
        Ok(())
    }
}

/// Whether these arguments are a hook's. Clients run it several times a turn: reading all commands would take most
/// of its time.
pub fn is_hook(args: &[std::ffi::OsString]) -> bool {
    args.len() == 2 && args[1] == "hook"
}
