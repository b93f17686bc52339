//! `orochi completions`: prints a shell's completion script.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output;

/// `orochi completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// bash, zsh or fish
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

impl Completions {
    /// Prints the script for all commands.
    ///
    /// # Errors
    /// Fails if stdout can't be written.
    pub fn run(&self, mut all: Command) -> Result<(), Failure> {
        let shell = match self.shell.as_str() {
            "zsh" => Shell::Zsh,
            "fish" => Shell::Fish,
            _ => Shell::Bash,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut all, "orochi", &mut script);
        output::all(&String::from_utf8_lossy(&script))
    }
}
