//! One connection as the core sees it.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::Seq;
use orochi_protocol::request::EventKind;

use crate::delivery::interest::{AgentInterest, Interest};
use crate::delivery::outbox::{Item, Outbox};
use crate::roster::{AgentIndex, ConnectionId};

/// Past stays in channels that a connection may still have to be served: what a script that joins and leaves
/// in a loop, without reading, may cost.
const STAYS_MAX: usize = 1024;

/// A registered agent's connection, or an observer's.
#[derive(Debug)]
pub struct Connection {
    /// Its number.
    pub id: ConnectionId,
    /// Whose it is.
    pub role: Role,
    /// Where its frames go.
    pub outbox: Arc<Outbox>,
    /// Which messages are for it. Shared with its task while that reads the log.
    pub interest: Arc<Interest>,
    /// Whether the core pushes messages; otherwise the connection reads the log.
    pub is_live: bool,
    /// Whether its task is to be told, with this batch's frames, that it reads the log from `handed` on.
    pub is_leaving_live: bool,
    /// Everything for it up to here was put in its outbox, or read from the log by its task.
    pub handed: Seq,
    /// Frames of the running batch.
    pub staged: Vec<Item>,
    /// Requests that were answered in the running batch.
    pub answered: usize,
    /// The first event that was not sent because the connection was behind.
    pub events_missed_from: Option<u64>,
    /// The id of a register that resumes: `caught_up` names it when everything that was missed has been handed over.
    pub resuming: Option<String>,
}

/// Whose a connection is.
#[derive(Debug)]
pub enum Role {
    /// A person's or program's that only watches.
    Observer,
    /// An agent's.
    Agent {
        /// Which.
        agent: AgentIndex,
        /// The events it asked for.
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

    /// The agent whose connection it is.
    pub fn agent_index(&self) -> Option<AgentIndex> {
        match self.role {
            Role::Observer => None,
            Role::Agent { agent, .. } => Some(agent),
        }
    }

    /// Whether it gets events of this kind.
    pub fn wants_event(&self, kind: EventKind) -> bool {
        match &self.role {
            Role::Observer => true,
            Role::Agent { events, .. } => events.contains(&kind),
        }
    }

    /// Whether it is in `channel` now.
    pub fn is_in(&self, channel: &str) -> bool {
        match &*self.interest {
            Interest::Everything => true,
            Interest::Agent(interest) => interest.is_in(channel),
        }
    }

    /// The core pushes no further messages: from `handed` on its task reads them from the log.
    pub fn leave_live(&mut self) {
        self.is_live = false;
        self.is_leaving_live = true;
    }

    /// Adds a message to the running batch. True where it is the batch's first frame for this connection.
    pub fn stage_message(&mut self, seq: Seq, frame: &Utf8Bytes) -> bool {
        self.stage(Item { frame: frame.clone(), seq: Some(seq) })
    }

    /// Adds a reply or event to the running batch. True where it is the batch's first frame for this connection.
    pub fn stage_reply(&mut self, frame: Utf8Bytes) -> bool {
        self.stage(Item { frame, seq: None })
    }

    fn stage(&mut self, item: Item) -> bool {
        self.staged.push(item);
        self.staged.len() == 1
    }

    /// Changes an agent's interest, and tells the connection's task if it is reading the log by it.
    pub(super) fn change_interest(&mut self, change: impl FnOnce(&mut AgentInterest) -> bool) -> bool {
        let Interest::Agent(interest) = Arc::make_mut(&mut self.interest) else { return false };
        let changed = change(interest);
        if changed && !self.is_live {
            self.outbox.set_interest(Arc::clone(&self.interest));
        }
        changed
    }

    /// Forgets the stays in channels that it has been served wholly.
    pub fn forget_served(&mut self) {
        let handed = self.handed;
        if let Interest::Agent(interest) = Arc::make_mut(&mut self.interest) {
            interest.served(handed);
        }
    }

    /// Whether it has left so many channels, with messages of theirs still to read, that no more are kept.
    pub fn stays_over_max(&self) -> bool {
        match &*self.interest {
            Interest::Everything => false,
            Interest::Agent(interest) => interest.past_stays() >= STAYS_MAX,
        }
    }
}
