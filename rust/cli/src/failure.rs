//! How a command can end, other than well: one table of causes, sentences and exit codes.

use std::io::{self, Write};

/// Why a command ended.
#[derive(Debug)]
pub enum Failure {
    /// clap's own answer: usage, help or version.
    Clap(Box<clap::Error>),
    /// What was asked makes no sense, as a sentence.
    Usage(String),
    /// The hub refused or can't be reached, or the hub can't start, as a sentence.
    Hub(String),
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
            Failure::Interrupted => 130,
            Failure::PipeClosed => 0,
        }
    }

    /// Says it where it belongs: help to stdout, sentences to stderr.
    pub fn tell(&self) {
        // A stderr that is closed leaves the exit code to speak.
        let _ = match self {
            Failure::Clap(error) => error.print(),
            Failure::Usage(sentence) | Failure::Hub(sentence) => writeln!(io::stderr(), "Error: {sentence}"),
            Failure::Interrupted | Failure::PipeClosed => Ok(()),
        };
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
