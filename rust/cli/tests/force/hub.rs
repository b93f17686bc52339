//! A real `orochi serve` in its own folder that can be killed and started again on the same file and ports.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Far above what a start or a stop takes on a busy machine; what hangs still fails the test.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A hub process, killed when dropped.
pub struct HubProcess {
    child: Child,
    /// The port for agents, the same over restarts.
    pub port: u16,
    folder: TempDir,
    start: Start,
}

/// How the process is started.
#[derive(Default)]
struct Start {
    /// A command that ends in running its arguments.
    wrapper: Vec<String>,
    /// The file that its stderr is appended to, in the place of the test's.
    stderr: Option<PathBuf>,
}

impl HubProcess {
    /// Starts one on free ports.
    pub fn start() -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder"), &[])
    }

    /// Starts one whose file is in `folder`, through a command that ends in running its arguments.
    pub fn start_in(folder: TempDir, wrapper: &[&str]) -> Self {
        Self::started(folder, Start { wrapper: wrapper.iter().map(ToString::to_string).collect(), stderr: None })
    }

    /// As [`HubProcess::start_in`], logging everything to the end of a file.
    pub fn start_logging_to(stderr: PathBuf, folder: TempDir, wrapper: &[&str]) -> Self {
        let wrapper = wrapper.iter().map(ToString::to_string).collect();
        Self::started(folder, Start { wrapper, stderr: Some(stderr) })
    }

    fn started(folder: TempDir, start: Start) -> Self {
        let (child, port) = spawn(folder.path(), 0, &start);
        Self { child, port, folder, start }
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
        let (child, port) = spawn(self.folder.path(), self.port, &self.start);
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

fn spawn(folder: &Path, port: u16, start: &Start) -> (Child, u16) {
    let ready_file = folder.join("ready.json");
    // The killed hub's.
    let _ = std::fs::remove_file(&ready_file);
    let mut words = start.wrapper.clone();
    words.push(env!("CARGO_BIN_EXE_orochi").to_owned());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["serve", "--dashboard-port=0", "--log-format=text"]);
    command.arg(format!("--port={port}")).arg("--db").arg(folder.join("orochi.db"));
    command.arg("--ready-file").arg(&ready_file).stdout(Stdio::null());
    for name in std::env::vars().map(|(name, _)| name).filter(|name| name.contains("OROCHI_")) {
        command.env_remove(name);
    }
    if let Some(file) = &start.stderr {
        let file = OpenOptions::new().append(true).create(true).open(file).expect("a file for stderr");
        command.arg("--log=trace").stderr(file);
    } else {
        command.arg("--log=warn");
    }
    let mut child = command.spawn().expect("the built binary starts");
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Ok(text) = std::fs::read(&ready_file) {
            let ready: Value = serde_json::from_slice(&text).expect("the ready file is whole whenever it is there");
            let port = ready["agent_url"].as_str().and_then(|url| url.rsplit(':').next()?.parse().ok());
            return (child, port.expect("ws://host:port"));
        }
        let ended = child.try_wait().expect("it is our child");
        assert!(ended.is_none() && Instant::now() < deadline, "the hub did not start: {ended:?}");
        std::thread::yield_now();
    }
}
