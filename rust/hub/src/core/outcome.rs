//! Outcomes: the results of applying entries, the same on every hub.

use std::collections::BTreeMap;

use orochi_protocol::request::EventKind;
use orochi_protocol::{ChannelName, Refusal, Seq, Timestamp};

use super::resume::StartPosition;
use crate::frame::Frame;
use crate::roster::{AgentIndex, Joined};
use crate::store::CallState;

/// The result of applying one entry.
pub(super) enum Outcome {
    /// The store has yet to decide.
    Open,
    /// The session had ended: nothing was done, and nobody waits.
    Dropped,
    Refused(Refusal),
    /// The change was made; there may be an event to send.
    Done(Option<Event>),
    /// The change was made; there are several events to send.
    Told(Vec<Event>),
    Message(Appended),
    Registered(Box<Registered>),
    Begun(CallState),
}

/// The result of appending a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Appended {
    New { seq: Seq },
    Duplicate { seq: Seq, ts: Timestamp },
    IdReused { seq: Seq },
}

/// An accepted register.
pub(super) struct Registered {
    pub(super) joined: Joined,
    /// True if the name registers for the first time.
    pub(super) is_new: bool,
    pub(super) position: StartPosition,
    pub(super) cursor: Option<Seq>,
    /// Set if the agent came online.
    pub(super) event: Option<Event>,
    /// The channels kept with the name, if the register named none, each with the seq after which it is delivered.
    pub(super) kept: Option<BTreeMap<ChannelName, Seq>>,
}

/// An event about an agent for observers and listening agents, encoded when it happened.
pub(super) struct Event {
    pub(super) agent: AgentIndex,
    pub(super) kind: EventKind,
    pub(super) frame: Frame,
}

impl Outcome {
    /// Returns the agent, if it registered for the first time.
    pub(super) fn new_agent(&self) -> Option<AgentIndex> {
        match self {
            Outcome::Registered(registered) if registered.is_new => Some(registered.joined.agent),
            _ => None,
        }
    }
}
