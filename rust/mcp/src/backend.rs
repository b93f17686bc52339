//! The interface of a hub for the tools. `orochi mcp` implements it over its connection, and the hub over itself; the
//! tools and their texts are the same.

use std::collections::BTreeMap;
use std::time::Duration;

use orochi_protocol::reply::{AgentRow, DeliveryState};
use orochi_protocol::{ErrorCode, Reach, Refusal};
use serde::Deserialize;
use serde_json::Value;

/// The caller of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The client's name for itself, such as `claude-code`.
    pub client: Option<String>,
    /// The client's session, if one process serves several (Codex's `_meta.threadId`).
    pub thread: Option<String>,
}

/// The error of a tool: a code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A code of the hub, such as `INVALID_CHANNEL`, or [`Fault::UNREACHABLE`].
    pub code: String,
    /// The failure and the remedy.
    pub detail: String,
}

impl Fault {
    /// The code of a hub that can't be reached.
    pub const UNREACHABLE: &str = "UNREACHABLE";

    /// A fault with this code and sentence.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }

    /// A fault with one of the hub's codes.
    pub fn refused(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self::new(code.as_str(), detail)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal.code, refusal.detail)
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// `#channel` or `@agent`.
    pub to: String,
    /// The text.
    pub text: String,
    /// The message that it answers.
    pub reply_to: Option<u64>,
    /// The intent; None if the sender set none.
    pub intent: Option<Intent>,
}

/// The intent of a message: `metadata.intent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It expects an answer. Only these messages wake.
    Request,
    /// It informs.
    Inform,
    /// It confirms, and expects nothing.
    Ack,
}

impl Intent {
    /// The word in `metadata.intent`.
    pub fn as_str(self) -> &'static str {
        match self {
            Intent::Request => "request",
            Intent::Inform => "inform",
            Intent::Ack => "ack",
        }
    }

    /// Returns the intent of a word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "request" => Some(Intent::Request),
            "inform" => Some(Intent::Inform),
            "ack" => Some(Intent::Ack),
            _ => None,
        }
    }
}

/// The result of sending a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sent {
    /// Its seq.
    pub seq: u64,
    /// The state of each addressed agent.
    pub delivery: BTreeMap<String, DeliveryState>,
    /// The reach of those that are online.
    pub reach: BTreeMap<String, Reach>,
    /// True if it was in the log already, by an earlier attempt whose answer was lost.
    pub is_duplicate: bool,
}

/// A message as its reader sees it: the channel of a direct message is `@` and the other side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// Its seq.
    pub seq: u64,
    /// The time of acceptance, as the hub writes it.
    pub ts: String,
    /// The channel.
    pub channel: String,
    pub sender: String,
    /// The text.
    pub text: String,
    /// The mentioned agents.
    pub mentions: Vec<String>,
    /// The message that it answers.
    pub reply_to: Option<u64>,
    /// The sender's id for it.
    pub id: String,
    /// The sender's own object, with the intent.
    pub metadata: Value,
    /// A search's excerpt, with each match between U+E000 and U+E001.
    pub snippet: Option<String>,
}

impl Message {
    /// Parses a row of the hub's history or inbox; None if it is invalid.
    pub fn from_row(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Row::message)
    }

    /// Converts a row that was parsed before.
    pub fn from_value(row: &Value) -> Option<Self> {
        Row::deserialize(row).ok().map(Row::message)
    }

    /// The intent, if its sender set one.
    pub fn intent(&self) -> Option<Intent> {
        self.metadata.get("intent").and_then(Value::as_str).and_then(Intent::parse)
    }

    /// True if it expects an answer, or has no intent.
    pub fn is_request(&self) -> bool {
        matches!(self.intent(), None | Some(Intent::Request))
    }
}

/// A message in the hub's JSON.
#[derive(Deserialize)]
struct Row {
    seq: u64,
    #[serde(default)]
    msg_id: String,
    #[serde(default)]
    ts: String,
    channel: String,
    sender: String,
    content: String,
    #[serde(default)]
    mentions: Vec<String>,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    reply_to: Option<u64>,
    #[serde(default)]
    snippet: Option<String>,
}

impl Row {
    fn message(self) -> Message {
        let Row { seq, msg_id, ts, channel, sender, content, mentions, metadata, reply_to, snippet } = self;
        Message { seq, ts, channel, sender, text: content, mentions, reply_to, id: msg_id, metadata, snippet }
    }
}

/// The waiting messages of an agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inbox {
    /// The oldest messages.
    pub messages: Vec<Message>,
    /// The number of further messages; None if it is unknown.
    pub more: Option<u64>,
}

/// The message to wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// The longest wait.
    pub timeout: Duration,
    /// Only messages of this agent.
    pub from: Option<String>,
    /// Only messages of this channel, whether they address the agent or not.
    pub channel: Option<String>,
}

/// The answer to wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaited {
    /// The agent that answers.
    pub agent: String,
    /// The seq of the question.
    pub seq: u64,
    /// The longest wait.
    pub timeout: Duration,
}

/// An agent's status report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Doing {
    /// `idle`, `busy` or another word.
    pub status: String,
    /// The task; None leaves it.
    pub task: Option<String>,
    /// The progress, 0 to 1; None leaves it.
    pub progress: Option<f64>,
}

/// A query for messages of a channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryQuery {
    /// `#channel` or `@agent`.
    pub channel: String,
    /// Only messages before this seq.
    pub before: Option<u64>,
    /// Only messages after this seq, the oldest first.
    pub after: Option<u64>,
    /// At most this many.
    pub limit: u32,
    /// Only this message and its answers.
    pub thread: Option<u64>,
}

/// A search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    /// The query, in the language of docs/protocol.md.
    pub words: String,
    /// Only in this channel.
    pub channel: Option<String>,
    /// Only messages of this agent.
    pub from: Option<String>,
    /// Only from this time on.
    pub since: Option<String>,
    /// At most this many.
    pub limit: u32,
}

/// Messages in the order of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Oldest first; the hits of a search in its own order.
    pub messages: Vec<Message>,
    /// True if there are more.
    pub more: bool,
}

/// A channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Channel {
    /// Its name, with `#`.
    pub name: String,
    /// The agents in it.
    pub members: Vec<String>,
    /// True if the caller is in it.
    pub joined: bool,
    /// Sender and time of its newest message, if known.
    pub last: Option<(String, String)>,
}

/// An agent as `who` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// The hub's row.
    pub row: AgentRow,
    /// The beginning of its status, if known.
    pub since: Option<String>,
    /// The number of unhandled mentions and direct messages, if known.
    pub unread: Option<u32>,
}

/// A hub from the view of one agent. Every call can be dropped at any time without loss: only [`Backend::seen`] moves
/// the agent's cursor.
pub trait Backend: Send + Sync + 'static {
    /// The agent's name. Over HTTP a request may come without one.
    ///
    /// # Errors
    /// Fails with the remedy if no name is known.
    fn me(&self) -> Result<String, Fault>;

    /// Notes the name of the MCP client. Called as soon as it is known, and before the first tool, if the client sends
    /// it.
    fn introduced(&self, client: &str);

    /// Sends a message; returns once it is on disk.
    fn send(&self, call: &Call, message: Outgoing) -> impl Future<Output = Result<Sent, Fault>> + Send;

    /// Marks everything up to `seq` as handled.
    fn seen(&self, call: &Call, seq: u64) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Returns the oldest unhandled messages.
    fn inbox(&self, call: &Call, limit: usize) -> impl Future<Output = Result<Inbox, Fault>> + Send;

    /// Waits for the first message that no call has returned to this session: neither this one, nor [`Backend::inbox`],
    /// nor [`Backend::answer`].
    fn wait(&self, call: &Call, wait: Wait) -> impl Future<Output = Result<Option<Message>, Fault>> + Send;

    /// Waits for the answer to a message: a reply to it by its receiver, or the next direct message of that agent.
    fn answer(&self, call: &Call, awaited: Awaited) -> impl Future<Output = Result<Option<Message>, Fault>> + Send;

    /// Returns the online agents, or all that ever registered.
    fn agents(&self, call: &Call, all: bool) -> impl Future<Output = Result<Vec<Agent>, Fault>> + Send;

    /// Reports the agent's status.
    fn status(&self, call: &Call, doing: Doing) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Returns messages of a channel or a conversation.
    fn history(&self, call: &Call, query: HistoryQuery) -> impl Future<Output = Result<Page, Fault>> + Send;

    /// Searches messages.
    fn search(&self, call: &Call, query: SearchQuery) -> impl Future<Output = Result<Page, Fault>> + Send;

    /// Returns the channels.
    fn channels(&self, call: &Call) -> impl Future<Output = Result<Vec<Channel>, Fault>> + Send;

    /// Joins a channel permanently.
    fn join(&self, call: &Call, channel: String) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Leaves a channel permanently.
    fn leave(&self, call: &Call, channel: String) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Makes a call to Gitea (docs/protocol.md, section 8).
    fn gitea(&self, call: &Call, action: String, params: Value) -> impl Future<Output = Result<Value, Fault>> + Send;
}
