//! A real hub in its own folder, on free ports, ended when dropped.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::orochi;

const READY_FILE: &str = "ready.json";
/// Far above what a start or a stop takes on a busy machine; a hub that hangs still fails the test.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running `orochi serve`.
pub struct RealHub {
    child: Child,
    lines: Receiver<String>,
    /// The lines of its start block.
    pub block: Vec<String>,
    /// What its ready file says.
    pub ready: Value,
    folder: TempDir,
}

impl RealHub {
    /// Starts one and waits until it answers; `more` are further arguments.
    pub fn start(more: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (db, ready_file) = (folder.path().join("orochi.db"), folder.path().join(READY_FILE));
        let mut command = orochi(&["serve", "--port=0", "--dashboard-port=0"]);
        command.arg("--db").arg(&db).arg("--ready-file").arg(&ready_file).args(more);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the built binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let mut hub = Self { child, lines, block: Vec::new(), ready: Value::Null, folder };
        hub.block = hub.lines_to(|line| line.starts_with("  stop ") || line.contains("\"message\":\"ready\""));
        hub.ready = hub.read_ready();
        hub
    }

    /// Its port for agents.
    pub fn port(&self) -> String {
        self.ready["agent_url"].as_str().and_then(|url| url.rsplit(':').next()).expect("ws://host:port").to_owned()
    }

    /// `orochi` with these arguments, asking this hub.
    pub fn orochi(&self, args: &[&str]) -> Command {
        let port = self.port();
        let mut command = orochi(&["--port", &port, "--name", "tester"]);
        command.args(args);
        command
    }

    /// Sends SIGTERM and returns the exit code and the lines that were still to come.
    pub fn terminate(mut self) -> (Option<i32>, Vec<String>) {
        signal(&self.child, "-TERM");
        let mut rest = Vec::new();
        // The channel closes when the hub closes its stderr, which is when it ends.
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            rest.push(line);
        }
        let code = self.child.wait().expect("the hub is our child").code();
        (code, rest)
    }

    /// Stops it with SIGTERM; returns its folder and where its ready file was.
    pub fn stop_keeping_folder(mut self) -> (TempDir, PathBuf) {
        let folder = std::mem::replace(&mut self.folder, TempDir::new().expect("a temporary folder"));
        let ready_file = folder.path().join(READY_FILE);
        assert_eq!(self.terminate().0, Some(0));
        (folder, ready_file)
    }

    fn lines_to(&self, last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("not ready; it said {lines:#?}"));
            lines.push(line);
            if last(&lines[lines.len() - 1]) {
                return lines;
            }
        }
    }

    /// The file is renamed into place right after the block was printed.
    fn read_ready(&self) -> Value {
        let path = self.folder.path().join(READY_FILE);
        let deadline = Instant::now() + DEADLINE;
        loop {
            match std::fs::read(&path) {
                Ok(text) => {
                    return serde_json::from_slice(&text).expect("the ready file is whole whenever it is there");
                }
                Err(_) if Instant::now() < deadline => thread::yield_now(),
                Err(error) => panic!("no ready file: {error}"),
            }
        }
    }
}

impl Drop for RealHub {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal, which the standard library can't.
pub fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill is there");
    assert!(status.success());
}
