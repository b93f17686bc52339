//! A real `orochi serve` in its own folder that can be killed and started again on the same file and ports.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// Far above what a start or a stop takes on a busy machine; what hangs still fails the test.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A hub process, killed when dropped.
pub struct HubProcess {
    child: Child,
    /// The port for agents, the same over restarts.
    pub port: u16,
    folder: TempDir,
    wrapper: Vec<String>,
}

impl HubProcess {
    /// Starts one on free ports.
    pub fn start() -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder"), &[])
    }

    /// Starts one whose file is in `folder`, through a command that ends in running its arguments.
    pub fn start_in(folder: TempDir, wrapper: &[&str]) -> Self {
        let wrapper: Vec<String> = wrapper.iter().map(ToString::to_string).collect();
        let (child, port) = spawn(&folder.path().join("orochi.db"), 0, &wrapper);
        Self { child, port, folder, wrapper }
    }

    /// Where agents connect.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Its log's file.
    pub fn db(&self) -> PathBuf {
        self.folder.path().join("orochi.db")
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut would, and starts it again.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is our child");
        let (child, port) = spawn(&self.db(), self.port, &self.wrapper);
        assert_eq!(port, self.port);
        self.child = child;
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().expect("kill is there");
        assert!(status.success());
    }

    /// Waits until it has ended.
    pub fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("it is our child")
    }

    /// Its resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells VmRSS");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number of kB")
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(
    clippy::zombie_processes,
    reason = "the caller keeps the child and waits for it; a failed start ends the test"
)]
fn spawn(db: &std::path::Path, port: u16, wrapper: &[String]) -> (Child, u16) {
    let mut words: Vec<String> = wrapper.to_vec();
    words.push(env!("CARGO_BIN_EXE_orochi").to_owned());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["serve", "--dashboard-port=0", "--log=warn", "--log-format=text"]);
    command.arg(format!("--port={port}")).arg("--db").arg(db);
    for name in std::env::vars().map(|(name, _)| name).filter(|name| name.contains("OROCHI_")) {
        command.env_remove(name);
    }
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the built binary starts");
    let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let (sender, lines) = mpsc::channel();
    // Reads on after the start, so that a hub that logs much is not held up by a full pipe.
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| sender.send(line).unwrap_or(())));
    let mut said = Vec::new();
    loop {
        let line = lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("the hub did not start; it said {said:#?}"));
        if let Some(url) = line.trim().strip_prefix("agents") {
            let port = url.trim().rsplit(':').next().and_then(|port| port.parse().ok());
            return (child, port.expect("ws://host:port"));
        }
        said.push(line);
    }
}
