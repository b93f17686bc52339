//! What became of an entry: found out when it is applied, and the same on every hub.

use std::collections::BTreeMap;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::request::EventKind;
use orochi_protocol::{ChannelName, Refusal, Seq, Timestamp};

use super::place::Place;
use crate::roster::{AgentIndex, Joined};
use crate::store::Call;

/// What became of one entry.
pub(super) enum Outcome {
    /// The store has still to say it.
    Open,
    /// Its session had ended: nothing was done, and nobody waits.
    Dropped,
    Refused(Refusal),
    /// The roster or the store has taken it, which others may have to be told.
    Done(Option<Event>),
    /// The same with several events.
    Told(Vec<Event>),
    Message(Appended),
    Registered(Box<Registered>),
    Begun(Call),
}

/// What the log said to a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Appended {
    New,
    Duplicate { seq: Seq, ts: Timestamp },
    IdReused { seq: Seq },
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

/// What observers and listening agents are told of an agent, encoded when it happened.
pub(super) struct Event {
    pub(super) agent: AgentIndex,
    pub(super) kind: EventKind,
    pub(super) frame: Utf8Bytes,
}

impl Outcome {
    /// The agent, where it registered for the first time.
    pub(super) fn new_agent(&self) -> Option<AgentIndex> {
        match self {
            Outcome::Registered(registered) if registered.is_new => Some(registered.joined.agent),
            _ => None,
        }
    }
}
