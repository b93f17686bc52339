//! The one command line of Orochi: `orochi`, `scitex-orochi` and `orochi-server`, native and from Python.
//!
//! Read in this order:
//!
//! 1. [`run`], below: from arguments to an exit code.
//! 2. [`args`]: what can be said. [`failure`]: how it can end.
//! 3. [`commands`]: one file a command.
//! 4. [`hub`]: requests to a running hub. [`output`]: what goes to stdout. [`logging`]: what goes to stderr.

mod agent;
mod args;
mod commands;
mod failure;
mod hub;
mod logging;
mod output;

use std::ffi::OsString;

/// Runs one command and returns the process's exit code.
///
/// `args[0]` is the program's name; as `orochi-server` it stands for `orochi serve`. Signals are handled
/// while it runs: SIGINT ends it quietly.
pub fn run(args: Vec<OsString>) -> i32 {
    let Err(failure) = args::parse(&args).and_then(commands::run) else { return 0 };
    failure.tell();
    failure.exit_code()
}
