//! Everything that can be asked of the core thread. Each command carries the place for its answer: the
//! connection's outbox, or a one-shot channel.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::reply::{DeliveryState, PresenceAnswer, ReceiptsAnswer};
use orochi_protocol::request::{Draft, Heartbeat, Register, StatusUpdate};
use orochi_protocol::{AgentName, ChannelName, Reach, Refusal, Seq, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::sync::oneshot;

use crate::delivery::outbox::Outbox;
use crate::roster::ConnectionId;
use crate::store::{Call, Marks};

/// What a connection or an HTTP request asks of the core.
#[derive(Debug)]
pub enum Command {
    /// An agent joins under a name. Answered in the outbox.
    Register {
        /// Which connection.
        connection: ConnectionId,
        /// The request's id.
        id: String,
        /// The name it asks for.
        name: AgentName,
        /// The rest of what it said.
        register: Box<Register>,
        /// Where its frames go from now on.
        outbox: Arc<Outbox>,
        /// Whether it was accepted.
        answer: oneshot::Sender<bool>,
    },
    /// An observer joins; it gets everything from now on, or after a place in the log.
    Observe {
        /// Which connection.
        connection: ConnectionId,
        /// Messages after this place come first.
        after: Option<Seq>,
        /// Where its frames go.
        outbox: Arc<Outbox>,
        /// Answered once it is registered, or with the refusal of `after`.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// A registered agent's request. Answered in its outbox.
    Agent {
        /// Which connection.
        connection: ConnectionId,
        /// The request's id.
        id: String,
        /// What it asks for.
        action: AgentAction,
    },
    /// Who is online, for a connection that has not registered too.
    Presence {
        /// Whether to add each agent's row.
        detail: bool,
        /// The answer.
        answer: oneshot::Sender<PresenceAnswer>,
    },
    /// A message over HTTP.
    Post {
        /// Who says it.
        sender: AgentName,
        /// Its id.
        id: String,
        /// What it says.
        draft: Box<Draft>,
        /// What keeps it from being told twice, beside its id.
        marks: Box<Marks>,
        /// The answer, once it is on disk.
        answer: oneshot::Sender<Result<Accepted, Refusal>>,
    },
    /// Something for an agent that has no connection of its own here.
    Named {
        /// Which agent; one that never registered is made.
        name: AgentName,
        /// What.
        action: NamedAction,
        /// The answer, once it is on disk.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Nobody waits any more under this number, which [`NamedAction::Attend`] made known.
    Unattend(ConnectionId),
    /// Answered when everything that came before is done: a read that follows sees it.
    Barrier(oneshot::Sender<()>),
    /// Wakes the core where questions wait in `lookups`, or connections in `returns`.
    LookUp,
    /// Wakes the core where a batch is on disk.
    Written,
    /// How far a message got (section 9, Receipts).
    Receipts {
        /// Who asks; None may see all.
        asker: Option<AgentName>,
        /// The message, as the log holds it.
        message: Box<crate::store::StoredMessage>,
        /// The answer.
        answer: oneshot::Sender<Result<ReceiptsAnswer, Refusal>>,
    },
    /// A call to another host begins, unless it was made before.
    BeginCall {
        /// Whose.
        key: CallKey,
        /// What it asks for, to be compared where it comes again.
        asked: String,
        /// Once it is on disk.
        answer: oneshot::Sender<Result<Call, Refusal>>,
    },
    /// A call has ended.
    EndCall {
        /// Whose.
        key: CallKey,
        /// What came of it; None where it is sure that nothing did.
        result: Option<String>,
        /// Once it is on disk.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// A dashboard login was signed out.
    EndSession {
        /// Which.
        nonce: String,
        /// When it would have expired, in seconds since 1970.
        until: i64,
        /// Once it is on disk.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Empty the write-ahead log, while reads are paused. Answered with whether it was.
    ResetWal(oneshot::Sender<Result<bool, Refusal>>),
    /// Whether the store takes writes, for `GET /readyz`.
    Probe(oneshot::Sender<Result<(), Refusal>>),
    /// Frames that the task of a registered connection made: replies of one connection keep the order of its
    /// requests, so they wait for those that the core has yet to give.
    Reply {
        /// Which connection.
        connection: ConnectionId,
        /// The frames, in order.
        frames: Vec<Utf8Bytes>,
    },
    /// A connection is gone.
    Disconnect(ConnectionId),
    /// Says in the log that another hub is gone, whether it is or not.
    #[cfg(feature = "sim")]
    Fence(crate::roster::HubId),
    /// The hub stops: everything accepted so far is answered, then every connection is told to close.
    Shutdown,
}

/// A call to another host: whoever asks for it gives it an id of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallKey {
    /// The agent; empty for a program that gave no name.
    pub asker: String,
    /// The request's id.
    pub id: String,
}

/// What a registered agent can ask of the core.
#[derive(Debug)]
pub enum AgentAction {
    /// Say something.
    Message(Box<Draft>),
    /// Join a channel.
    Subscribe(ChannelName),
    /// Leave a channel.
    Unsubscribe(ChannelName),
    /// A sign of life, and what has changed for the agent behind the connection.
    Heartbeat(Heartbeat),
    /// What it is doing.
    Status(Box<StatusUpdate>),
}

/// What is done in an agent's name.
#[derive(Debug)]
pub enum NamedAction {
    /// It is online until [`Command::Unattend`] with the same number.
    Attend(ConnectionId),
    /// Everything up to here is dealt with.
    Seen(Seq),
    /// What it is doing.
    Status(Box<StatusUpdate>),
    /// A channel is kept with its name.
    Join(ChannelName),
    /// A channel is kept no longer.
    Leave(ChannelName),
}

/// A message accepted over HTTP (section 7).
#[derive(Debug, Clone, Serialize)]
pub struct Accepted {
    /// Its place in the log.
    pub seq: Seq,
    /// Its id.
    pub id: String,
    /// The hub's clock at acceptance.
    pub ts: Timestamp,
    /// Where each addressed agent is.
    pub delivery: BTreeMap<String, DeliveryState>,
    /// How it reaches those of them that are online.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reach: BTreeMap<String, Reach>,
    /// True where it was in the log already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// The hub's figures (section 7).
#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    /// Agents with a connection.
    pub agents_online: usize,
    /// Channels with members or history, and `#general`.
    pub channels_active: usize,
    /// Observers' connections.
    pub observers_connected: usize,
    /// The online agents' names.
    pub agents: Vec<String>,
    /// The channels' names.
    pub channels: Vec<String>,
    /// The log's head.
    pub seq: Seq,
    /// The database's UUID.
    pub epoch: String,
    /// Seconds since the hub started.
    pub uptime_seconds: u64,
}
