//! The one command line of Orochi: `orochi`, `scitex-orochi` and `orochi-server`, native and from Python.
//!
//! Read in this order:
//!
//! 1. [`run`], below: from arguments to an exit code.
//! 2. [`args`]: what can be said; [`connection`]: the options that all commands share. [`failure`]: how it can end.
//! 3. [`dispatch`]: runs the command. [`commands`]: one file a command.
//! 4. [`hub`]: requests to a running hub. [`output`]: what goes to stdout. [`stderr`]: what
//!    goes there. [`logging`]: the hub's log. [`text`]: how strangers' text is shown.

mod agent;
mod args;
mod commands;
mod connection;
mod dispatch;
mod failure;
mod hub;
mod logging;
mod output;
mod stderr;
mod text;
mod writing;

use std::ffi::OsString;
use std::time::Duration;

/// The hub's last lines are written well within this where anybody takes them.
const LAST_LINES_MAX: Duration = Duration::from_millis(500);

/// Runs one command and returns the process's exit code.
///
/// `args[0]` is the program's name; as `orochi-server` it stands for `orochi serve`. Signals are handled
/// while it runs: SIGINT ends it quietly.
pub fn run(args: Vec<OsString>) -> i32 {
    if commands::hook::is_hook(&args) {
        orochi_agent::hook::run(None);
        return 0;
    }
    let code = args::parse(&args).and_then(dispatch::run).map_or_else(failure::Failure::tell, |()| 0);
    stderr::flush(LAST_LINES_MAX);
    code
}
