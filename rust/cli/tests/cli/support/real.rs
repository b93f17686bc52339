//! A real hub in its own folder, on free ports. Dropping it ends the process.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use super::orochi;
use super::running::{DEADLINE, Running};

const READY_FILE: &str = "ready.json";

/// A running `orochi serve`.
pub struct RealHub {
    running: Running,
    /// The lines printed at its start; the block comes last.
    pub block: Vec<String>,
    /// The contents of its ready file.
    pub ready: Value,
    folder: TempDir,
}

impl RealHub {
    /// Starts a hub and waits until it answers; `more` are further arguments.
    pub fn start(more: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (command, ready_file) = serve(&folder, more);
        let running = Running::start(command);
        let mut block = vec![running.stderr_line()];
        while !block.last().is_some_and(|line| line.starts_with("  stop ") || line.contains("\"message\":\"ready\"")) {
            block.push(running.stderr_line());
        }
        let ready = read_ready(&ready_file);
        Self { running, block, ready, folder }
    }

    /// Starts a hub with this stderr, which the test does not read.
    pub fn start_with_stderr(more: &[&str], stderr: Stdio) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (command, ready_file) = serve(&folder, more);
        let running = Running::start_with_stderr(command, stderr);
        Self { running, block: Vec::new(), ready: read_ready(&ready_file), folder }
    }

    /// Closes the reading end of its stderr, at its next line.
    pub fn close_stderr(&mut self) {
        self.running.close_stderr();
    }

    /// The hub's port for agents.
    pub fn port(&self) -> String {
        self.ready["agent_url"].as_str().and_then(|url| url.rsplit(':').next()).expect("ws://host:port").to_owned()
    }

    /// `orochi` with these arguments, for this hub and the name `tester`.
    pub fn orochi(&self, args: &[&str]) -> Command {
        let port = self.port();
        let mut command = orochi(&["--port", &port, "--name", "tester"]);
        command.args(args);
        command
    }

    /// Sends SIGTERM. Returns the exit code and the remaining lines.
    pub fn terminate(self) -> (Option<i32>, Vec<String>) {
        self.running.signal("-TERM");
        self.running.end()
    }

    /// Stops the hub with SIGTERM. Returns its folder and the path of its ready file.
    pub fn stop_keeping_folder(self) -> (TempDir, PathBuf) {
        self.running.signal("-TERM");
        assert_eq!(self.running.end().0, Some(0));
        let ready_file = self.folder.path().join(READY_FILE);
        (self.folder, ready_file)
    }
}

/// The command that starts a hub in the folder, and its ready file.
fn serve(folder: &TempDir, more: &[&str]) -> (Command, PathBuf) {
    let (db, ready_file) = (folder.path().join("orochi.db"), folder.path().join(READY_FILE));
    let mut command = orochi(&["serve", "--port=0", "--dashboard-port=0"]);
    command.arg("--db").arg(&db).arg("--ready-file").arg(&ready_file).args(more);
    (command, ready_file)
}

/// Reads the ready file, which is renamed into place right after the block was printed.
fn read_ready(path: &PathBuf) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match std::fs::read(path) {
            Ok(text) => return serde_json::from_slice(&text).expect("the ready file is whole whenever it is there"),
            Err(_) if Instant::now() < deadline => thread::yield_now(),
            Err(error) => panic!("no ready file: {error}"),
        }
    }
}
