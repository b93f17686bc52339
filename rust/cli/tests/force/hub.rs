//! A real `orochi serve` in its own folder. It can be killed and restarted with the same file and ports.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Far more than a start or a stop takes on a busy machine; a process that hangs still fails the test.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A hub process. Dropping it kills the process.
pub struct HubProcess {
    child: Child,
    /// The port for agents, which stays the same after a restart.
    pub port: u16,
    folder: TempDir,
    start: Start,
}

/// The options of the process's start.
#[derive(Default)]
struct Start {
    /// A command that runs its arguments at its end.
    wrapper: Vec<String>,
    /// The file to which its stderr is appended. None: the test's stderr.
    stderr: Option<PathBuf>,
}

impl HubProcess {
    /// Starts a hub on free ports.
    pub fn start() -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder"), &[])
    }

    /// Starts a hub whose file is in `folder`, with a wrapper command that runs its arguments.
    pub fn start_in(folder: TempDir, wrapper: &[&str]) -> Self {
        Self::started(folder, Start { wrapper: wrapper.iter().map(ToString::to_string).collect(), stderr: None })
    }

    /// Like [`HubProcess::start_in`], with everything logged to the end of a file.
    pub fn start_logging_to(stderr: PathBuf, folder: TempDir, wrapper: &[&str]) -> Self {
        let wrapper = wrapper.iter().map(ToString::to_string).collect();
        Self::started(folder, Start { wrapper, stderr: Some(stderr) })
    }

    fn started(folder: TempDir, start: Start) -> Self {
        let (child, port) = spawn(folder.path(), 0, &start);
        Self { child, port, folder, start }
    }

    /// The address for agents.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub fn db(&self) -> PathBuf {
        self.folder.path().join("orochi.db")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process as a power failure would, and starts it again.
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

    /// Waits for the end of the process.
    pub fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("it is our child")
    }

    /// The resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells VmRSS");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number of kB")
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path, port: u16, start: &Start) -> (Child, u16) {
    let ready_file = folder.join("ready.json");
    // Remove the file of a killed hub.
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
