//! Entries: every change of what outlives a connection, as data. An entry holds nothing of the hub that proposes it, no
//! connection and nobody who waits; it says all that [`super::apply`] needs to know beside the roster and the log.
//! What an entry's kind says, nobody decides anew: whether it changes the disk, and whether its answer promises that.

use orochi_protocol::request::{Heartbeat, Register, StatusUpdate};
use orochi_protocol::{AgentName, ChannelName, Refusal, Seq, Timestamp};

use super::CallKey;
use super::message::Message;
use crate::roster::{Goodbye, HubId, SessionId};

/// One change, in the order of all.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Message(Message),
    Register(Box<Registering>),
    /// Somebody waits over HTTP in an agent's name, which makes it be online.
    Attend {
        session: SessionId,
        name: AgentName,
    },
    Leave {
        session: SessionId,
        goodbye: Goodbye,
    },
    /// A session joins a channel.
    Join {
        session: SessionId,
        channel: ChannelName,
    },
    /// A session leaves a channel.
    Part {
        session: SessionId,
        channel: ChannelName,
    },
    /// A channel is kept with a name, or no longer.
    Keep {
        name: AgentName,
        channel: ChannelName,
        is_kept: bool,
    },
    /// A session's sign of life, and what has changed for its agent.
    Alive {
        session: SessionId,
        heartbeat: Heartbeat,
    },
    /// An agent has dealt with everything up to here.
    Seen {
        name: AgentName,
        seq: Seq,
    },
    Status {
        whose: Whose,
        update: Box<StatusUpdate>,
    },
    /// A call to another host begins.
    CallBegin {
        key: CallKey,
        asked: String,
    },
    /// A call has ended; without an answer it was certainly not made.
    CallEnd {
        key: CallKey,
        answer: Option<String>,
    },
    /// A dashboard login was signed out; it would have expired at `until`, in seconds since 1970.
    SignOut {
        nonce: String,
        until: i64,
    },
    /// A hub has started.
    HubUp {
        hub: HubId,
    },
    /// A hub has ended, by itself or not. It was alive until `at`.
    HubGone {
        hub: HubId,
        at: Timestamp,
    },
}

/// A register: what a connection asks for, and what its hub has against it.
#[derive(Debug, Clone)]
pub(super) struct Registering {
    pub(super) session: SessionId,
    pub(super) name: AgentName,
    pub(super) register: Register,
    /// Set where the connection is over a bound of its hub. What the log has against the register is said before that.
    pub(super) over_bound: Option<Refusal>,
}

/// Who says what it is doing.
#[derive(Debug, Clone)]
pub(super) enum Whose {
    Session(SessionId),
    Name(AgentName),
}

impl Entry {
    /// About how many bytes its texts have.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Entry::Message(message) => message.bytes(),
            _ => 0,
        }
    }

    /// Whether this kind of entry changes what is on disk. Signs of life alone wait for the next one that does.
    pub(super) fn is_lasting(&self) -> bool {
        !matches!(self, Entry::Alive { heartbeat: Heartbeat { seen: None, .. }, .. })
    }

    /// Whether its answer promises that it is on disk. Agents come, go and speak of themselves also while the disk
    /// refuses: their records stay due.
    pub(super) fn is_promised(&self) -> bool {
        match self {
            Entry::Message(_)
            | Entry::Keep { .. }
            | Entry::Seen { .. }
            | Entry::Status { whose: Whose::Name(_), .. }
            | Entry::CallBegin { .. }
            | Entry::CallEnd { .. }
            | Entry::SignOut { .. } => true,
            Entry::Alive { heartbeat, .. } => heartbeat.seen.is_some(),
            Entry::Register(_)
            | Entry::Attend { .. }
            | Entry::Leave { .. }
            | Entry::Join { .. }
            | Entry::Part { .. }
            | Entry::Status { whose: Whose::Session(_), .. }
            | Entry::HubUp { .. }
            | Entry::HubGone { .. } => false,
        }
    }
}
