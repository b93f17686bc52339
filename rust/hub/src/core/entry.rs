//! The entries of a batch: what is asked of the core and takes effect in the order in which it came.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::reply::PresenceAnswer;
use orochi_protocol::request::{EventKind, Heartbeat, Register, StatusUpdate};
use orochi_protocol::{AgentName, ChannelName, Refusal, Seq};
use tokio::sync::oneshot;

use super::calls::{CallNote, Noted};
use super::command::NamedAction;
use super::message::Pending;
use super::place::Place;
use crate::delivery::outbox::Outbox;
use crate::registry::roster::Joined;
use crate::registry::{AgentIndex, ConnectionId, Goodbye};

/// One command of a batch. What the first two steps find out is kept in it, for its answer after the commit.
pub(super) enum Entry {
    Message(Pending),
    Register(Box<Registering>),
    Change(Change),
    Named(Box<Named>),
    Disconnect {
        connection: ConnectionId,
        goodbye: Goodbye,
        /// Set where its agent went offline.
        event: Option<Event>,
    },
    Call {
        note: CallNote,
        noted: Option<Noted>,
    },
    /// A dashboard login was signed out; it would have expired at `until`, in seconds since 1970.
    SignOut {
        nonce: String,
        until: i64,
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    Observe {
        connection: ConnectionId,
        after: Option<Seq>,
        outbox: Arc<Outbox>,
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Frames that the connection's task made; they wait for the replies before them.
    Reply {
        connection: ConnectionId,
        frames: Vec<Utf8Bytes>,
    },
    /// A request that was refused before it was applied.
    Refused {
        connection: ConnectionId,
        id: String,
        refusal: Refusal,
    },
    Presence {
        detail: bool,
        answer: oneshot::Sender<PresenceAnswer>,
    },
    Barrier(oneshot::Sender<()>),
    Probe {
        answer: oneshot::Sender<Result<(), Refusal>>,
        done: Option<Result<(), Refusal>>,
    },
    ResetWal {
        answer: oneshot::Sender<Result<bool, Refusal>>,
        done: Option<Result<bool, Refusal>>,
    },
}

/// A register and what came of it.
pub(super) struct Registering {
    pub(super) connection: ConnectionId,
    pub(super) id: String,
    pub(super) name: AgentName,
    pub(super) register: Box<Register>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) answer: oneshot::Sender<bool>,
    pub(super) outcome: Option<Result<Registered, Refusal>>,
}

/// An accepted register.
pub(super) struct Registered {
    pub(super) joined: Joined,
    /// Whether the name registers for the first time.
    pub(super) is_new: bool,
    pub(super) place: Place,
    /// The name's stored cursor.
    pub(super) cursor: Option<Seq>,
    /// Set where the agent came online.
    pub(super) event: Option<Event>,
    /// The channels that were kept with the name, where the register named none, and where each begins.
    pub(super) kept: Option<BTreeMap<ChannelName, Seq>>,
}

/// What is done in an agent's name over HTTP, and what came of it.
pub(super) struct Named {
    pub(super) name: AgentName,
    pub(super) action: NamedAction,
    pub(super) answer: oneshot::Sender<Result<(), Refusal>>,
    pub(super) outcome: Option<Result<Option<Event>, Refusal>>,
}

/// A registered agent's request that changes something of it.
pub(super) struct Change {
    pub(super) connection: ConnectionId,
    pub(super) id: String,
    pub(super) kind: ChangeKind,
    /// None where the connection has been replaced meanwhile.
    pub(super) outcome: Option<Result<Option<Event>, Refusal>>,
}

pub(super) enum ChangeKind {
    Join(ChannelName),
    Leave(ChannelName),
    /// A sign of life, and what has changed.
    Alive(Heartbeat),
    Status(Box<StatusUpdate>),
}

/// What observers and listening agents are told of an agent, encoded when it happened.
pub(super) struct Event {
    pub(super) agent: AgentIndex,
    pub(super) kind: EventKind,
    pub(super) frame: Utf8Bytes,
}

impl Registering {
    /// The agent, where it registers for the first time.
    pub(super) fn new_agent(&self) -> Option<AgentIndex> {
        match &self.outcome {
            Some(Ok(registered)) if registered.is_new => Some(registered.joined.agent),
            _ => None,
        }
    }
}

impl Entry {
    /// About how many bytes its texts have.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Entry::Message(pending) => pending.bytes(),
            Entry::Reply { frames, .. } => frames.iter().map(|frame| frame.len()).sum(),
            _ => 0,
        }
    }

    /// Whether it uses the store beside the batch's transaction.
    pub(super) fn needs_store(&self) -> bool {
        matches!(self, Entry::ResetWal { .. } | Entry::Probe { .. })
    }

    /// Whether this kind of entry changes what is on disk.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Entry::Message(_)
            | Entry::Register(_)
            | Entry::Named(_)
            | Entry::Disconnect { .. }
            | Entry::Call { .. }
            | Entry::SignOut { .. } => true,
            Entry::Change(change) => !matches!(change.kind, ChangeKind::Alive(Heartbeat { seen: None, .. })),
            Entry::Observe { .. }
            | Entry::Reply { .. }
            | Entry::Refused { .. }
            | Entry::Presence { .. }
            | Entry::Barrier(_)
            | Entry::ResetWal { .. }
            | Entry::Probe { .. } => false,
        }
    }
}
