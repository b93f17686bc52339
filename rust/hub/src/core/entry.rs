//! The entries of one turn: what is asked of the core and takes effect in the order in which it came. Commands that
//! nobody waits for any more end here, before they cost a commit; so do those that memory answers at once.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::reply::PresenceAnswer;
use orochi_protocol::request::{EventKind, Register, StatusUpdate};
use orochi_protocol::{AgentName, ChannelName, Refusal, Seq};
use tokio::sync::oneshot;

use super::accept::Pending;
use super::calls::{CallNote, Noted};
use super::place::Place;
use super::{AgentAction, Command, CoreThread};
use crate::delivery::outbox::Outbox;
use crate::registry::roster::Joined;
use crate::registry::{AgentIndex, ConnectionId, Goodbye};

/// One command of the turn. What applying it found out is kept in it, for its answer after the commit.
#[expect(clippy::large_enum_variant, reason = "most entries are messages: a box for each would cost an allocation")]
pub(super) enum Entry {
    Message(Pending),
    Register(Box<Registering>),
    Change(Change),
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
    CaughtUp {
        connection: ConnectionId,
        position: Seq,
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
    Probe(oneshot::Sender<Result<(), Refusal>>),
    ResetWal(oneshot::Sender<Result<bool, Refusal>>),
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
    pub(super) place: Place,
    /// The name's stored cursor.
    pub(super) cursor: Option<Seq>,
    /// Set where the agent came online.
    pub(super) event: Option<Event>,
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
    /// A sign of life.
    Alive,
    /// Everything up to here is dealt with.
    Seen(Seq),
    Status(Box<StatusUpdate>),
}

/// What observers and listening agents are told of an agent, encoded when it happened.
pub(super) struct Event {
    pub(super) agent: AgentIndex,
    pub(super) kind: EventKind,
    pub(super) frame: Utf8Bytes,
}

impl Entry {
    /// Whether this kind of entry changes what is on disk.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Entry::Message(_)
            | Entry::Register(_)
            | Entry::Disconnect { .. }
            | Entry::Call { .. }
            | Entry::SignOut { .. } => true,
            Entry::Change(change) => !matches!(change.kind, ChangeKind::Alive),
            Entry::Observe { .. }
            | Entry::CaughtUp { .. }
            | Entry::Reply { .. }
            | Entry::Refused { .. }
            | Entry::Presence { .. }
            | Entry::Barrier(_)
            | Entry::ResetWal(_)
            | Entry::Probe(_) => false,
        }
    }
}

impl CoreThread {
    /// Adds a command to the turn, unless its asker has gone or it is answered at once.
    pub(super) fn collect(&mut self, command: Command) {
        let entry = match command {
            Command::Agent { connection, id, action } => return self.collect_action(connection, id, action),
            Command::Post { answer, .. } if answer.is_closed() => return,
            Command::Post { sender, id, draft, marks, answer } => {
                return self.collect_post(&sender, id, *draft, marks, answer);
            }
            Command::Register { answer, .. } if answer.is_closed() => return,
            Command::Register { connection, id, name, register, outbox, answer } => {
                Entry::Register(Box::new(Registering { connection, id, name, register, outbox, answer, outcome: None }))
            }
            Command::Observe { answer, .. } if answer.is_closed() => return,
            Command::Observe { connection, after, outbox, answer } => {
                Entry::Observe { connection, after, outbox, answer }
            }
            Command::CaughtUp { connection, position } => Entry::CaughtUp { connection, position },
            Command::Reply { connection, frames } => Entry::Reply { connection, frames },
            Command::Disconnect(connection) => self.collect_disconnect(connection),
            Command::Barrier(answer) => Entry::Barrier(answer),
            Command::ResetWal(answer) if answer.is_closed() => return,
            Command::ResetWal(answer) => Entry::ResetWal(answer),
            Command::Probe(answer) if answer.is_closed() => return,
            Command::Probe(answer) => Entry::Probe(answer),
            Command::BeginCall { answer, .. } if answer.is_closed() => return,
            Command::BeginCall { key, asked, answer } => {
                Entry::Call { note: CallNote::Begin { key, asked, answer }, noted: None }
            }
            Command::EndCall { key, result, answer } => {
                Entry::Call { note: CallNote::End { key, result, answer }, noted: None }
            }
            Command::EndSession { nonce, until, answer } => Entry::SignOut { nonce, until, answer },
            Command::Presence { detail, answer } => Entry::Presence { detail, answer },
            // It has no place among the replies of a connection, and waits for no disk.
            Command::Receipts { asker, message, answer } => {
                let _ = answer.send(self.receipts(asker.as_ref(), &message));
                return;
            }
            // It woke the core; each turn begins with the questions.
            Command::LookUp | Command::Shutdown => return,
        };
        self.entries.push(entry);
    }

    fn collect_disconnect(&self, connection: ConnectionId) -> Entry {
        let index = self.registry.find_connection(connection);
        let has_goodbye = index.is_some_and(|index| self.registry.connection(index).outbox.has_goodbye());
        let goodbye = if has_goodbye { Goodbye::Said } else { Goodbye::Missing };
        Entry::Disconnect { connection, goodbye, event: None }
    }

    fn collect_action(&mut self, connection: ConnectionId, id: String, action: AgentAction) {
        // A connection that is gone, or was replaced, has nobody to answer.
        let Some(index) = self.registry.find_connection(connection) else { return };
        let Some(agent) = self.registry.connection(index).agent_index() else { return };
        let kind = match action {
            AgentAction::Message(draft) => {
                let sender = self.registry.roster.agent(agent).record.name.clone();
                return self.collect_message(connection, sender, id, *draft);
            }
            AgentAction::Subscribe(channel) => ChangeKind::Join(channel),
            AgentAction::Unsubscribe(channel) => ChangeKind::Leave(channel),
            AgentAction::Heartbeat { seen: None } => ChangeKind::Alive,
            AgentAction::Heartbeat { seen: Some(seen) } => ChangeKind::Seen(seen),
            AgentAction::Status(update) => ChangeKind::Status(update),
        };
        self.entries.push(Entry::Change(Change { connection, id, kind, outcome: None }));
    }
}
