//! Shared by the tests: runs compared as a whole, a scripted hub, and a real one.

mod real;
mod running;
mod scripted;

use std::process::{Command, Stdio};

pub use real::RealHub;
pub use running::Running;
pub use scripted::{Answer, ScriptedHub};

/// The built `orochi` with these arguments and an empty environment.
pub fn orochi(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orochi"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// A run as one text: exit code, stdout, stderr.
pub fn whole(mut command: Command) -> String {
    let output = command.output().expect("the built binary starts");
    let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
    let mut text = format!("exit code: {code}\n").into_bytes();
    text.extend_from_slice(b"--- stdout\n");
    text.extend_from_slice(&output.stdout);
    text.extend_from_slice(b"--- stderr\n");
    text.extend_from_slice(&output.stderr);
    String::from_utf8(text).expect("all output is UTF-8")
}

/// The note that `send` prints for a name that nobody has registered.
pub fn waits(name: &str) -> String {
    format!("nobody named {name} has registered; the message waits\n")
}

/// The text of [`whole`] for this code, stdout and stderr.
pub fn ended(code: i32, stdout: &str, stderr: &str) -> String {
    format!("exit code: {code}\n--- stdout\n{stdout}--- stderr\n{stderr}")
}
