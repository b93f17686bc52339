//! The command line of Orochi: `orochi`, `scitex-orochi`, `orochi-server` and `orochi-mcp`, native and from Python.
//!
//! Read in this order:
//!
//! 1. [`run`], below: from arguments to an exit code.
//! 2. [`args`]: the commands and their options; [`connection`]: the options that all commands share. [`failure`]:
//!    errors.
//! 3. [`dispatch`]: runs the command. [`commands`]: one command in each file.
//! 4. [`hub`]: requests to a running hub. [`output`]: writes to stdout. [`stderr`]: writes to stderr.
//!    [`logging`]: the hub's own log. [`text`]: shows strangers' text safely.

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

/// The longest wait for writing the hub's last lines. If anybody reads stderr, it takes far less.
const LAST_LINES_MAX: Duration = Duration::from_millis(500);

/// Runs one command and returns the process's exit code.
///
/// `args[0]` is the program's name; `orochi-server` means `orochi serve`, and `orochi-mcp` means `orochi mcp`. Signals
/// are handled while the command runs: SIGINT ends it quietly.
pub fn run(args: Vec<OsString>) -> i32 {
    if commands::hook::is_hook(&args) {
        orochi_agent::hook::run(None);
        return 0;
    }
    let code = args::parse(&args).and_then(dispatch::run).map_or_else(failure::Failure::tell, |()| 0);
    stderr::flush(LAST_LINES_MAX);
    code
}
