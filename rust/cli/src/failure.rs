//! Failures of a command: causes, sentences and exit codes.

use std::io::{self, Write};

use crate::{stderr, text};

/// The reason why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// clap's own answer: usage error, help or version.
    Clap(Box<clap::Error>),
    /// The arguments are invalid; has a sentence.
    Usage(String),
    /// The hub refused, can't be reached, or can't start; has a sentence.
    Hub(String),
    /// The awaited answer did not arrive in time; has a sentence.
    TimedOut(String),
    /// Ctrl-C.
    Interrupted,
    /// The reader of stdout has gone, so nobody needs the output.
    PipeClosed,
}

impl Failure {
    /// The process's exit code, as listed in `--help`.
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

    /// Prints help to stdout or a sentence to stderr, and returns the exit code. The code differs if help could not be
    /// written.
    pub fn tell(self) -> i32 {
        match &self {
            Failure::Clap(error) if !error.use_stderr() => {
                if let Err(failure) = error.print().and_then(|()| io::stdout().flush()).map_err(Failure::from) {
                    return failure.tell();
                }
            }
            // If stderr can't be written, only the exit code remains.
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

/// Converts an error of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::Hub(format!("cannot write to the standard output: {error}")),
        }
    }
}
