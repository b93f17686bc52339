//! What the tools need of a hub. The process that `orochi mcp` runs implements it over its connection, and the hub over
//! itself; the tools and their texts are the same.

use std::collections::BTreeMap;
use std::time::Duration;

use orochi_protocol::reply::{AgentRow, DeliveryState};
use orochi_protocol::{Reach, Refusal};
use serde::Deserialize;
use serde_json::Value;

/// Who calls a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The client's name for itself, `claude-code` say.
    pub client: Option<String>,
    /// The client's session, where one process serves several (Codex's `_meta.threadId`).
    pub thread: Option<String>,
}

/// Why a tool did nothing: the hub's code and a sentence, or one of these words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `INVALID_CHANNEL` and so on; [`Fault::UNREACHABLE`] where no hub answers.
    pub code: String,
    /// What failed and the way out.
    pub detail: String,
}

impl Fault {
    /// The code of a hub that can't be reached.
    pub const UNREACHABLE: &str = "UNREACHABLE";

    /// A fault with this code and sentence.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code.as_str(), refusal.detail)
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// `#channel` or `@agent`.
    pub to: String,
    /// What to say.
    pub text: String,
    /// The message that it answers.
    pub reply_to: Option<u64>,
    /// What is wanted of its reader; None where the sender left it open.
    pub intent: Option<Intent>,
}

/// What a message wants of its reader: `metadata.intent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// An answer. Only these wake.
    Request,
    /// To be known.
    Inform,
    /// Nothing: it confirms.
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

    /// The intent that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "request" => Some(Intent::Request),
            "inform" => Some(Intent::Inform),
            "ack" => Some(Intent::Ack),
            _ => None,
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sent {
    /// Its place in the log.
    pub seq: u64,
    /// Where each agent is that it is addressed to.
    pub delivery: BTreeMap<String, DeliveryState>,
    /// How it reaches those of them that are online.
    pub reach: BTreeMap<String, Reach>,
    /// Whether it was in the log already, by an earlier try whose answer was lost.
    pub is_duplicate: bool,
}

/// A message as its reader sees it: of a direct message the channel is `@` and the other side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// Its place in the log.
    pub seq: u64,
    /// When the hub accepted it, as the hub writes it.
    pub ts: String,
    /// Where it was said.
    pub channel: String,
    /// Who said it.
    pub sender: String,
    /// What was said.
    pub text: String,
    /// Whom it mentions.
    pub mentions: Vec<String>,
    /// The message that it answers.
    pub reply_to: Option<u64>,
    /// Its sender's id for it.
    pub id: String,
    /// The sender's own object; `intent` in it is what it wants of its reader.
    pub metadata: Value,
    /// A search's excerpt, with each match between U+E000 and U+E001.
    pub snippet: Option<String>,
}

impl Message {
    /// A row of the hub, as history and inboxes have them; None where it is none.
    pub fn from_row(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Row::message)
    }

    /// The same, of a row that was read before.
    pub fn from_value(row: &Value) -> Option<Self> {
        Row::deserialize(row).ok().map(Row::message)
    }

    /// What it wants of its reader, where its sender said so.
    pub fn intent(&self) -> Option<Intent> {
        self.metadata.get("intent").and_then(Value::as_str).and_then(Intent::parse)
    }

    /// Whether it wants an answer. One whose sender left that open does.
    pub fn is_request(&self) -> bool {
        matches!(self.intent(), None | Some(Intent::Request))
    }
}

/// A message as the hub writes it into an answer.
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

/// What waits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inbox {
    /// The oldest messages.
    pub messages: Vec<Message>,
    /// How many more there are behind them; None where it is not known how many.
    pub more: Option<u64>,
}

/// What to wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// For so long.
    pub timeout: Duration,
    /// Only what this agent says.
    pub from: Option<String>,
    /// Only what is said there; every message of a channel, be it addressed or not.
    pub channel: Option<String>,
}

/// The answer to wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaited {
    /// Who was asked.
    pub agent: String,
    /// By which message.
    pub seq: u64,
    /// For so long.
    pub timeout: Duration,
}

/// What an agent says that it is doing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Doing {
    /// `idle`, `busy` or another word.
    pub status: String,
    /// What it works on; None leaves it.
    pub task: Option<String>,
    /// 0 to 1; None leaves it.
    pub progress: Option<f64>,
}

/// Which messages of a channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryQuery {
    /// `#channel` or `@agent`.
    pub channel: String,
    /// Only older ones than this seq.
    pub before: Option<u64>,
    /// Only newer ones than this seq, the oldest of them first.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// Only the answers to this message, and itself.
    pub thread: Option<u64>,
}

/// Which messages a search is for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    /// What to look for, in the language of docs/protocol.md.
    pub words: String,
    /// Only there.
    pub channel: Option<String>,
    /// Only what this agent said.
    pub from: Option<String>,
    /// Only from this time on.
    pub since: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// Messages in the order of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Oldest first; of a search in its own order.
    pub messages: Vec<Message>,
    /// Whether there are more.
    pub more: bool,
}

/// A channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Channel {
    /// Its name, with `#`.
    pub name: String,
    /// The agents in it.
    pub members: Vec<String>,
    /// Whether the caller is in it.
    pub joined: bool,
    /// Its newest message, where that is known: sender and time.
    pub last: Option<(String, String)>,
}

/// An agent as `who` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// The hub's row.
    pub row: AgentRow,
    /// When its status began, where that is known.
    pub since: Option<String>,
    /// How many mentions and direct messages it has not dealt with, where that is known.
    pub unread: Option<u32>,
}

/// A hub, seen by one agent. Every call may be dropped at any time, which loses nothing: nothing but
/// [`Backend::seen`] moves the agent's cursor.
pub trait Backend: Send + Sync + 'static {
    /// The agent's name. Over HTTP a request may come without one.
    ///
    /// # Errors
    /// Where none is known: how to give one.
    fn me(&self) -> Result<String, Fault>;

    /// The MCP client has said what it is called. Called as soon as it is known, and at least once before the first
    /// tool, where the client says it at all.
    fn introduced(&self, client: &str);

    /// Sends a message; ready when it is on disk.
    fn send(&self, call: &Call, message: Outgoing) -> impl Future<Output = Result<Sent, Fault>> + Send;

    /// Everything up to `seq` is dealt with.
    fn seen(&self, call: &Call, seq: u64) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The oldest messages that the agent has not dealt with.
    fn inbox(&self, call: &Call, limit: usize) -> impl Future<Output = Result<Inbox, Fault>> + Send;

    /// The first message that no call has returned to this session: neither this, nor [`Backend::inbox`], nor
    /// [`Backend::answer`].
    fn wait(&self, call: &Call, wait: Wait) -> impl Future<Output = Result<Option<Message>, Fault>> + Send;

    /// The answer to a message: a reply to it by its receiver, or the next direct message of that agent.
    fn answer(&self, call: &Call, awaited: Awaited) -> impl Future<Output = Result<Option<Message>, Fault>> + Send;

    /// The agents that are online, or all that ever registered.
    fn agents(&self, call: &Call, all: bool) -> impl Future<Output = Result<Vec<Agent>, Fault>> + Send;

    /// Says what the agent is doing.
    fn status(&self, call: &Call, doing: Doing) -> impl Future<Output = Result<(), Fault>> + Send;

    /// A channel's messages, or a conversation's.
    fn history(&self, call: &Call, query: HistoryQuery) -> impl Future<Output = Result<Page, Fault>> + Send;

    /// Messages with these words.
    fn search(&self, call: &Call, query: SearchQuery) -> impl Future<Output = Result<Page, Fault>> + Send;

    /// The channels there are.
    fn channels(&self, call: &Call) -> impl Future<Output = Result<Vec<Channel>, Fault>> + Send;

    /// Joins a channel, for good.
    fn join(&self, call: &Call, channel: String) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Leaves a channel, for good.
    fn leave(&self, call: &Call, channel: String) -> impl Future<Output = Result<(), Fault>> + Send;

    /// A call to Gitea (docs/protocol.md, section 8).
    fn gitea(&self, call: &Call, action: String, params: Value) -> impl Future<Output = Result<Value, Fault>> + Send;
}
