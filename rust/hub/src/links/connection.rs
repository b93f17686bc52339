//! The core's state of one connection.

use std::sync::Arc;

use orochi_protocol::Seq;
use orochi_protocol::request::EventKind;

use crate::delivery::interest::{AgentInterest, Interest};
use crate::delivery::outbox::{Item, Outbox};
use crate::frame::Frame;
use crate::roster::{AgentIndex, ConnectionId};

/// Past stays in channels that a connection may still have to be served. This bounds the memory of a script that joins
/// and leaves in a loop without reading.
const STAYS_MAX: usize = 1024;

/// A registered agent's connection, or an observer's.
#[derive(Debug)]
pub(crate) struct Connection {
    pub id: ConnectionId,
    /// The observer or agent that it belongs to.
    pub role: Role,
    /// The frames that wait for its socket.
    pub outbox: Arc<Outbox>,
    /// The rule for its messages. Shared with its task while that reads the log.
    pub interest: Arc<Interest>,
    /// True while the core pushes messages; otherwise its task reads the log.
    pub is_live: bool,
    /// True if the next hand-over switches its task to reading the log from `handed` on.
    pub is_leaving_live: bool,
    /// Every message for it up to this seq was put into its outbox, or read from the log by its task.
    pub handed: Seq,
    /// Frames of the present turn.
    pub staged: Vec<Item>,
    /// Requests answered in the present turn.
    pub answered: usize,
    /// The number of the first event that was not sent because the connection was behind.
    pub events_missed_from: Option<u64>,
    /// The id of a resuming register. `caught_up` carries it when all missed messages have been handed over.
    pub resuming: Option<String>,
}

/// The owner of a connection.
#[derive(Debug)]
pub(crate) enum Role {
    /// A person or program that only watches.
    Observer,
    /// An agent.
    Agent {
        agent: AgentIndex,
        /// The kinds of events that it requested.
        events: Vec<EventKind>,
    },
}

impl Connection {
    pub(super) fn observer(id: ConnectionId, outbox: Arc<Outbox>) -> Self {
        Self::new(id, Role::Observer, outbox, Interest::Everything)
    }

    pub(super) fn agent(
        id: ConnectionId,
        agent: AgentIndex,
        outbox: Arc<Outbox>,
        interest: AgentInterest,
        events: Vec<EventKind>,
    ) -> Self {
        Self::new(id, Role::Agent { agent, events }, outbox, Interest::Agent(interest))
    }

    fn new(id: ConnectionId, role: Role, outbox: Arc<Outbox>, interest: Interest) -> Self {
        let interest = Arc::new(interest);
        Self {
            id,
            role,
            outbox,
            interest,
            is_live: true,
            is_leaving_live: false,
            handed: Seq::ZERO,
            staged: Vec::new(),
            answered: 0,
            events_missed_from: None,
            resuming: None,
        }
    }

    /// The agent that the connection belongs to.
    pub(crate) fn agent_index(&self) -> Option<AgentIndex> {
        match self.role {
            Role::Observer => None,
            Role::Agent { agent, .. } => Some(agent),
        }
    }

    /// True if it gets events of this kind.
    pub(crate) fn wants_event(&self, kind: EventKind) -> bool {
        match &self.role {
            Role::Observer => true,
            Role::Agent { events, .. } => events.contains(&kind),
        }
    }

    /// True if it is in `channel` now.
    pub(crate) fn is_in(&self, channel: &str) -> bool {
        match &*self.interest {
            Interest::Everything => true,
            Interest::Agent(interest) => interest.is_in(channel),
        }
    }

    /// Stops pushing messages: from `handed` on, its task reads them from the log.
    pub(crate) fn leave_live(&mut self) {
        self.is_live = false;
        self.is_leaving_live = true;
    }

    /// Stages a message. Returns true if it is the turn's first frame for this connection.
    pub(crate) fn stage_message(&mut self, seq: Seq, frame: &Frame) -> bool {
        self.stage(Item { frame: frame.clone(), seq: Some(seq) })
    }

    /// Stages a reply or event. Returns true if it is the turn's first frame for this connection.
    pub(crate) fn stage_reply(&mut self, frame: Frame) -> bool {
        self.stage(Item { frame, seq: None })
    }

    fn stage(&mut self, item: Item) -> bool {
        self.staged.push(item);
        self.staged.len() == 1
    }

    /// Changes an agent's interest, and passes it to the connection's task if that is reading the log.
    pub(super) fn change_interest(&mut self, change: impl FnOnce(&mut AgentInterest) -> bool) -> bool {
        let Interest::Agent(interest) = Arc::make_mut(&mut self.interest) else { return false };
        let changed = change(interest);
        if changed && !self.is_live {
            self.outbox.set_interest(Arc::clone(&self.interest));
        }
        changed
    }

    /// Drops the stays in channels that were served completely.
    pub(crate) fn forget_served(&mut self) {
        let handed = self.handed;
        if let Interest::Agent(interest) = Arc::make_mut(&mut self.interest) {
            interest.served(handed);
        }
    }

    /// True if it has left so many channels with unread messages that no further stay can be kept.
    pub(crate) fn stays_over_max(&self) -> bool {
        match &*self.interest {
            Interest::Everything => false,
            Interest::Agent(interest) => interest.past_stays() >= STAYS_MAX,
        }
    }
}
