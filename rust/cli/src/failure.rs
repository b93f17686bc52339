//! How a command can end, other than well: one table of causes, sentences and exit codes.

use std::io::{self, Write};

use crate::{stderr, text};

/// Why a command ended.
#[derive(Debug)]
pub enum Failure {
    /// clap's own answer: usage, help or version.
    Clap(Box<clap::Error>),
    /// What was asked makes no sense, as a sentence.
    Usage(String),
    /// The hub refused or can't be reached, or the hub can't start, as a sentence.
    Hub(String),
    /// What was waited for did not come in time, as a sentence.
    TimedOut(String),
    /// Ctrl-C.
    Interrupted,
    /// Whoever read stdout has gone; there is nobody left to work for.
    PipeClosed,
}

impl Failure {
    /// The process's exit code, as `--help` lists it.
    pub fn exit_code(&self) -> i32 {
        match self {
            Failure::Clap(error) => error.exit_code(),
            Failure::Usage(_) => 2,
            Failure::Hub(_) => 1,
            Failure::TimedOut(_) => 4,
            Failure::Interrupted => 130,
            Failure::PipeClosed => 0,
        }
    }

    /// Says it where it belongs, help on stdout and sentences on stderr, and gives the exit code: another one where
    /// help could not be written.
    pub fn tell(self) -> i32 {
        match &self {
            Failure::Clap(error) if !error.use_stderr() => {
                if let Err(failure) = error.print().and_then(|()| io::stdout().flush()).map_err(Failure::from) {
                    return failure.tell();
                }
            }
            // A stderr that takes nothing leaves the exit code to speak.
            Failure::Clap(error) => _ = error.print(),
            Failure::Usage(sentence) | Failure::Hub(sentence) | Failure::TimedOut(sentence) => {
                stderr::say(&format!("Error: {}\n", text::inline(sentence)))
            }
            Failure::Interrupted | Failure::PipeClosed => {}
        }
        self.exit_code()
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Clap(Box::new(error))
    }
}

/// Of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::Hub(format!("cannot write to the standard output: {error}")),
        }
    }
}
