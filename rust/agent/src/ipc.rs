//! The exchange between a session's hook and its resident, over the resident's Unix socket: one line of JSON each way,
//! and a last line by which the hook reports that it printed the context.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use orochi_protocol::Secret;
use serde::{Deserialize, Serialize, Serializer};

use crate::delivery::HookKind;
use crate::dirs;

/// The most processes between a hook and its client: a shell or two, a wrapper, the client.
const ANCESTORS_MAX: usize = 6;

/// The hook's line.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Ask {
    /// The event; `status` only requests the resident's state.
    pub event: String,
    /// The client's kind, as in names.
    pub client: String,
    /// The client's id of its session.
    pub session: String,
    /// Messages whose marks are in the input.
    pub marks: Vec<u64>,
    /// True if the client shows its model the text that the hook prints.
    pub can_show: bool,
    /// The client's model.
    pub model: String,
    /// The first 80 characters of the prompt; only shared if the user chose `--share-task`.
    pub prompt: String,
    /// `CLAUDE_CODE_MESSAGING_SOCKET` of the hook's environment.
    pub inbox_socket: String,
    /// `CLAUDE_CODE_MESSAGING_TOKEN` of the hook's environment.
    #[serde(serialize_with = "exposed")]
    pub inbox_token: Secret,
}

/// Writes a secret to the resident's socket, which only this user can read.
fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// The resident's line.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The agent's name.
    pub name: String,
    /// Messages that wait.
    pub waiting: usize,
    /// The text to print; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// True if the resident is connected to the hub.
    pub is_connected: bool,
    /// The reason why the hub refuses the agent; empty if it does not.
    pub refused: String,
    /// `wake`, `turn` or `poll`.
    pub reach: String,
    /// The hub's address.
    pub hub: String,
}

/// The line by which the hook reports that it printed the context.
pub const PRINTED: &str = "{\"printed\":true}\n";

/// Returns the event's word on the socket.
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

/// Returns the event of a word; None for `status` and for words that this version does not know.
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
    /// The resident's line.
    pub answer: Answer,
}

impl Conversation {
    /// Sends a line to the nearest resident above this process. None if there is none, or if it does not answer in
    /// time.
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

    /// Sends a line to the resident at this socket.
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

    /// Reports that the context was printed.
    pub fn printed(mut self) {
        // If the resident is gone, its successor offers the messages again.
        let _ = self.stream.get_mut().write_all(PRINTED.as_bytes());
    }
}

/// True if a resident above this process runs, even if it did not answer in time.
pub fn has_own_resident() -> bool {
    let folder = dirs::runtime();
    let runs = |pid| dirs::socket(&folder, pid).is_ok_and(|path| UnixStream::connect(path).is_ok());
    dirs::is_own(&folder) && ancestors().into_iter().any(runs)
}

/// True if the resident of this client's process answers.
pub fn is_live(client_pid: u32) -> bool {
    dirs::socket(&dirs::runtime(), client_pid).is_ok_and(|path: PathBuf| UnixStream::connect(path).is_ok())
}

/// Returns this process's ancestors, the nearest first.
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

/// Returns a process's parent. Systems without `/proc` know only the first one.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name is in brackets and may contain any character.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
