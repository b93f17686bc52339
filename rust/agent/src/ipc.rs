//! What a session's hook and its resident say to each other, over the resident's Unix socket: one line of JSON
//! each way, and the hook's word that it printed what it got.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::delivery::HookKind;
use crate::dirs;

/// Processes that are walked up from a hook to its client: a shell or two, a wrapper, the client.
const ANCESTORS_MAX: usize = 6;

/// The hook's line.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Ask {
    /// What happened; `status` asks only how many messages wait.
    pub event: String,
    /// The client's kind, as in names.
    pub client: String,
    /// The client's id of its session.
    pub session: String,
    /// Messages whose marks are in the input.
    pub marks: Vec<u64>,
    /// Whether the client puts before its model what the hook prints.
    pub can_show: bool,
    /// The client's model.
    pub model: String,
    /// The first 80 characters of the prompt; only shared where a person said so.
    pub prompt: String,
    /// `CLAUDE_CODE_MESSAGING_SOCKET` and its token, as the hook has them.
    pub inbox_socket: String,
    /// See above.
    pub inbox_token: String,
}

/// The resident's line.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The agent's name.
    pub name: String,
    /// Messages that wait.
    pub waiting: usize,
    /// What to print; absent for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether the hub is reached.
    pub is_connected: bool,
    /// Why the hub refuses the agent; empty where it does not.
    pub refused: String,
    /// `wake`, `turn` or `poll`.
    pub reach: String,
    /// The hub's address.
    pub hub: String,
}

/// The line by which the hook says that it printed the context.
pub const PRINTED: &str = "{\"printed\":true}\n";

/// The event's word on the socket.
pub fn word(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Start { is_compaction: true, .. } => "compaction",
        HookKind::Start { is_cleared: true, .. } => "clear",
        HookKind::Start { .. } => "start",
        HookKind::Prompt => "prompt",
        HookKind::Tool => "tool",
        HookKind::Stop { can_continue: true } => "stop",
        HookKind::Stop { can_continue: false } => "last_stop",
        HookKind::Failure => "failure",
        HookKind::Interrupt => "interrupt",
        HookKind::Blocked => "blocked",
        HookKind::Waiting => "waiting",
        HookKind::End => "end",
    }
}

/// The event of a word; None for `status` and what this version does not know.
pub fn kind(word: &str) -> Option<HookKind> {
    let start = |is_cleared, is_compaction| Some(HookKind::Start { is_cleared, is_compaction });
    match word {
        "start" => start(false, false),
        "clear" => start(true, false),
        "compaction" => start(false, true),
        "prompt" => Some(HookKind::Prompt),
        "tool" => Some(HookKind::Tool),
        "stop" => Some(HookKind::Stop { can_continue: true }),
        "last_stop" => Some(HookKind::Stop { can_continue: false }),
        "failure" => Some(HookKind::Failure),
        "interrupt" => Some(HookKind::Interrupt),
        "blocked" => Some(HookKind::Blocked),
        "waiting" => Some(HookKind::Waiting),
        "end" => Some(HookKind::End),
        _ => None,
    }
}

/// A conversation with the resident of this process's client.
#[derive(Debug)]
pub struct Conversation {
    stream: BufReader<UnixStream>,
    /// What the resident said.
    pub answer: Answer,
}

impl Conversation {
    /// Asks the nearest resident above this process; None where there is none or it does not answer in time.
    pub fn with_own_resident(ask: &Ask, limit: Duration) -> Option<Self> {
        let folder = dirs::runtime();
        if !dirs::is_own(&folder) {
            return None;
        }
        ancestors().into_iter().find_map(|pid| {
            let path = dirs::socket(&folder, pid).ok()?;
            Self::open(&path, ask, limit)
        })
    }

    /// Asks the resident at this socket.
    pub fn open(path: &Path, ask: &Ask, limit: Duration) -> Option<Self> {
        let stream = UnixStream::connect(path).ok()?;
        stream.set_read_timeout(Some(limit)).ok()?;
        stream.set_write_timeout(Some(limit)).ok()?;
        let mut line = serde_json::to_string(ask).ok()?;
        line.push('\n');
        (&stream).write_all(line.as_bytes()).ok()?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let answer = serde_json::from_str(&line).ok()?;
        Some(Self { stream, answer })
    }

    /// Tells the resident that its context was printed.
    pub fn printed(mut self) {
        // A resident that is gone offers the messages again.
        let _ = self.stream.get_mut().write_all(PRINTED.as_bytes());
    }
}

/// Whether a resident above this process runs, even if it gave no answer in time.
pub fn has_own_resident() -> bool {
    let folder = dirs::runtime();
    let runs = |pid| dirs::socket(&folder, pid).is_ok_and(|path| UnixStream::connect(path).is_ok());
    dirs::is_own(&folder) && ancestors().into_iter().any(runs)
}

/// Whether the resident of this client's process answers.
pub fn is_live(client_pid: u32) -> bool {
    dirs::socket(&dirs::runtime(), client_pid).is_ok_and(|path: PathBuf| UnixStream::connect(path).is_ok())
}

/// This process's parent and those above it, nearest first.
pub fn ancestors() -> Vec<u32> {
    let mut found = vec![std::os::unix::process::parent_id()];
    while let Some(next) = found.last().copied().and_then(parent_of).filter(|pid| *pid > 1) {
        if found.len() >= ANCESTORS_MAX {
            break;
        }
        found.push(next);
    }
    found
}

/// A process's parent. Systems without `/proc` know only the first one.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in brackets and may hold any character.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
