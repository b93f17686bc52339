//! Entries: every lasting change, as data. An entry refers to nothing of the hub that proposes it: no connection, no
//! requester. With the roster and the log, it is all that [`super::apply`] needs. The kind of an entry alone decides if
//! it changes the disk, and if its answer promises that.

use orochi_protocol::request::{Heartbeat, Register, StatusUpdate};
use orochi_protocol::{AgentName, ChannelName, Refusal, Seq, Timestamp};

use super::CallKey;
use super::message::NewMessage;
use crate::roster::{Goodbye, HubId, SessionId};

/// One change. The log puts all of them in order.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Message(NewMessage),
    Register(Box<Registering>),
    /// A request waits over HTTP in an agent's name. The agent is online as long as it waits.
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
    /// Adds a channel to those kept with a name, or removes one.
    Keep {
        name: AgentName,
        channel: ChannelName,
        is_kept: bool,
    },
    /// A session's sign of life, with changes for its agent.
    Alive {
        session: SessionId,
        heartbeat: Heartbeat,
    },
    /// An agent has handled everything up to `seq`.
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
    /// A call has ended; no answer means that it certainly had no effect.
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
    /// A hub has stopped or crashed. It was alive until `at`.
    HubGone {
        hub: HubId,
        at: Timestamp,
    },
}

/// A register, with its hub's own refusal if there is one.
#[derive(Debug, Clone)]
pub(super) struct Registering {
    pub(super) session: SessionId,
    pub(super) name: AgentName,
    pub(super) register: Register,
    /// Set if the connection is over a bound of its hub. Refusals by the log come before this one.
    pub(super) over_bound: Option<Refusal>,
}

/// The sender of a status: a session, or an agent's name over HTTP.
#[derive(Debug, Clone)]
pub(super) enum Whose {
    Session(SessionId),
    Name(AgentName),
}

impl Entry {
    /// The approximate size of its texts.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Entry::Message(message) => message.bytes(),
            _ => 0,
        }
    }

    /// True if this kind of entry changes the disk. A sign of life without `seen` waits for the next entry that does.
    pub(super) fn is_lasting(&self) -> bool {
        !matches!(self, Entry::Alive { heartbeat: Heartbeat { seen: None, .. }, .. })
    }

    /// True if its answer promises that it is on disk. Agents can connect, leave and report their status while the disk
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
