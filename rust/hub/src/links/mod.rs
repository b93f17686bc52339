//! This hub's connections: which messages each of them gets, and what they had to do with each agent. They change after
//! the commit, in the order of the entries. In memory only, and owned by the core thread.

mod connection;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use orochi_protocol::request::{EventKind, Register};
use orochi_protocol::{ChannelName, ErrorCode, Refusal, Seq};
use slab::Slab;

pub use connection::{Connection, Role};

use crate::delivery::coverage::Coverage;
use crate::delivery::interest::{AgentInterest, Interest};
use crate::delivery::outbox::Outbox;
use crate::roster::{AgentIndex, ConnectionId};
use crate::store::StoredMessage;

/// A connection's place among the links while it lasts.
pub type ConnectionIndex = usize;

/// All connections of this hub.
#[derive(Debug, Default)]
pub struct Links {
    /// What connections have to do with each agent, in the roster's order.
    by_agent: Vec<AgentLinks>,
    connections: Slab<Connection>,
    by_id: HashMap<ConnectionId, ConnectionIndex>,
    /// The connections in each channel. `#general` and channels with history stay without any.
    channels: BTreeMap<String, Vec<ConnectionIndex>>,
    /// Channels that messages were sent to.
    with_history: HashSet<String>,
    observers: Vec<ConnectionIndex>,
    /// What agents' ended connections take in memory.
    coverage_bytes: usize,
    /// Connections that get events: observers, and agents that asked for some.
    listeners: BTreeSet<ConnectionIndex>,
    /// Counts what agents' events are sent for; tells what a connection that was behind has missed.
    events: u64,
}

/// An agent's connections and what they had to do with it.
#[derive(Debug, Default)]
struct AgentLinks {
    connections: Vec<ConnectionIndex>,
    /// What ended connections were written, for receipts.
    coverage: Coverage,
    /// The number of the last event about the agent.
    last_event: u64,
}

impl Links {
    /// No connections yet, and the channels that are known from the log.
    pub fn new(channels: Vec<String>) -> Self {
        let mut links = Self::default();
        links.channels.insert("#general".to_owned(), Vec::new());
        for channel in channels {
            links.note_channel(&channel);
        }
        links
    }

    /// An agent's connections.
    pub fn connections_of(&self, agent: AgentIndex) -> &[ConnectionIndex] {
        self.by_agent.get(agent).map_or(&[], |links| &links.connections)
    }

    /// The number for an event about `agent`.
    pub fn number_event(&mut self, agent: AgentIndex) -> u64 {
        self.events += 1;
        self.links_mut(agent).last_event = self.events;
        self.events
    }

    /// Agents about which an event was sent since the one with this number, itself included.
    pub fn changed_since(&self, event: u64) -> Vec<AgentIndex> {
        let links = self.by_agent.iter().enumerate();
        links.filter(|(_, links)| links.last_event >= event).map(|(at, _)| at).collect()
    }

    /// One connection, while it lasts.
    pub fn find_connection(&self, id: ConnectionId) -> Option<ConnectionIndex> {
        self.by_id.get(&id).copied()
    }

    /// One connection.
    pub fn connection(&self, index: ConnectionIndex) -> &Connection {
        &self.connections[index]
    }

    /// A connection that may be gone.
    pub fn get_connection_mut(&mut self, index: ConnectionIndex) -> Option<&mut Connection> {
        self.connections.get_mut(index)
    }

    /// One connection, to stage frames for it or to change its feed.
    pub fn connection_mut(&mut self, index: ConnectionIndex) -> &mut Connection {
        &mut self.connections[index]
    }

    /// All connections.
    pub fn connections(&self) -> impl Iterator<Item = (ConnectionIndex, &Connection)> {
        self.connections.iter()
    }

    /// The connections in a channel.
    pub fn members(&self, channel: &str) -> &[ConnectionIndex] {
        self.channels.get(channel).map_or(&[], Vec::as_slice)
    }

    /// The observers' connections.
    pub fn observers(&self) -> &[ConnectionIndex] {
        &self.observers
    }

    /// The connections that get events of this kind.
    pub fn listeners(&self, kind: EventKind) -> Vec<ConnectionIndex> {
        self.listeners.iter().copied().filter(|index| self.connection(*index).wants_event(kind)).collect()
    }

    /// A channel has history now: it is listed for ever.
    pub fn note_channel(&mut self, channel: &str) {
        if !self.with_history.contains(channel) {
            self.with_history.insert(channel.to_owned());
            self.channels.entry(channel.to_owned()).or_default();
        }
    }

    /// Adds an observer's connection.
    pub fn add_observer(&mut self, id: ConnectionId, outbox: Arc<Outbox>) -> ConnectionIndex {
        let index = self.connections.insert(Connection::observer(id, outbox));
        self.by_id.insert(id, index);
        self.observers.push(index);
        self.listeners.insert(index);
        index
    }

    /// Adds an agent's connection, or makes it anew, with the channels of `register`, for messages after `places`.
    pub fn add_session(
        &mut self,
        id: ConnectionId,
        (agent, name): (AgentIndex, &str),
        register: &Register,
        outbox: Arc<Outbox>,
        places: Places<'_>,
    ) -> ConnectionIndex {
        if let Some(old) = self.find_connection(id) {
            self.remove(old);
        }
        let interest = AgentInterest::new(name, places.start.addressed_after);
        let connection = Connection::agent(id, agent, outbox, interest, register.events.clone());
        let index = self.connections.insert(connection);
        self.by_id.insert(id, index);
        self.links_mut(agent).connections.push(index);
        if !register.events.is_empty() {
            self.listeners.insert(index);
        }
        for channel in register.channels() {
            self.join(index, channel.as_str(), places.of_channel(channel));
        }
        index
    }

    /// An agent's connection registers again: from `head` on it is in the channels of `register` and in no others,
    /// and gets the events that it asks for now.
    pub fn renew_session(&mut self, index: ConnectionIndex, register: &Register, head: Seq) {
        if let Interest::Agent(interest) = &*Arc::clone(&self.connections[index].interest) {
            let stays = |channel: &str| register.channels().iter().any(|kept| kept.as_str() == channel);
            for channel in interest.channels().filter(|channel| !stays(channel)) {
                self.leave(index, channel, head);
            }
        }
        for channel in register.channels() {
            self.join(index, channel.as_str(), head);
        }
        if let Role::Agent { events, .. } = &mut self.connections[index].role {
            events.clone_from(&register.events);
        }
        if register.events.is_empty() {
            self.listeners.remove(&index);
        } else {
            self.listeners.insert(index);
        }
    }

    /// A connection joins a channel, for messages after `after`.
    pub fn join(&mut self, index: ConnectionIndex, channel: &str, after: Seq) {
        if self.connections[index].change_interest(|interest| interest.join(channel, after)) {
            self.channels.entry(channel.to_owned()).or_default().push(index);
        }
    }

    /// A connection leaves a channel; messages up to `until` are still for it.
    pub fn leave(&mut self, index: ConnectionIndex, channel: &str, until: Seq) {
        if self.connections[index].change_interest(|interest| interest.leave(channel, until)) {
            self.drop_member(channel, index);
        }
    }

    /// Removes a connection. What it was written stays known to its agent's receipts.
    pub fn remove(&mut self, index: ConnectionIndex) -> Connection {
        let connection = self.connections.remove(index);
        self.by_id.remove(&connection.id);
        if self.listeners.remove(&index) {
            self.observers.retain(|other| *other != index);
        }
        if let (Role::Agent { agent, .. }, Interest::Agent(interest)) = (&connection.role, &*connection.interest) {
            for channel in interest.channels() {
                self.drop_member(channel, index);
            }
            let mut bytes = self.coverage_bytes;
            let left = self.links_mut(*agent);
            left.connections.retain(|other| *other != index);
            let written = connection.outbox.written();
            left.coverage.add(Arc::clone(&connection.interest), written, &mut bytes);
            self.coverage_bytes = bytes;
        }
        connection
    }

    /// Whether a message was written to a connection of the agent, one that has ended too.
    pub fn was_written(&self, agent: AgentIndex, message: &StoredMessage) -> bool {
        let mut connections = self.connections_of(agent).iter().map(|index| self.connection(*index));
        connections.any(|connection| connection.outbox.written() >= message.seq && connection.interest.wants(message))
            || self.by_agent.get(agent).is_some_and(|links| links.coverage.has(message))
    }

    /// The channels that are listed.
    pub fn channels(&self) -> impl Iterator<Item = &String> {
        self.channels.keys()
    }

    /// Refuses to leave channels where too many stays in channels are still to be served.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub fn check_stays(&mut self, connection: ConnectionId) -> Result<(), Refusal> {
        let Some(index) = self.find_connection(connection) else { return Ok(()) };
        let connection = self.connection_mut(index);
        connection.forget_served();
        if connection.stays_over_max() {
            let detail = "too many joins and leaves while this connection has messages to read: read them first";
            return Err(Refusal::new(ErrorCode::RateLimited, detail));
        }
        Ok(())
    }

    fn links_mut(&mut self, agent: AgentIndex) -> &mut AgentLinks {
        if self.by_agent.len() <= agent {
            self.by_agent.resize_with(agent + 1, AgentLinks::default);
        }
        &mut self.by_agent[agent]
    }

    fn drop_member(&mut self, channel: &str, index: ConnectionIndex) {
        if let Some(members) = self.channels.get_mut(channel) {
            members.retain(|other| *other != index);
            if members.is_empty() && !self.with_history.contains(channel) && channel != "#general" {
                self.channels.remove(channel);
            }
        }
    }
}

/// From where a session gets its messages, channel by channel.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Where it resumes.
    pub start: Start,
    /// Channels that were joined after that, and when.
    pub joined: &'a BTreeMap<ChannelName, Seq>,
    /// The log's head: nothing is waited for beyond it.
    pub head: Seq,
}

impl Places<'_> {
    fn of_channel(&self, channel: &ChannelName) -> Seq {
        let joined = self.joined.get(channel).copied().unwrap_or_default();
        self.start.channels_after.max(joined).min(self.head)
    }
}

/// From where a session gets its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Its channels' messages after this place.
    pub channels_after: Seq,
    /// Mentions and direct messages after this place.
    pub addressed_after: Seq,
}

impl Start {
    /// The same place for both.
    pub fn after(seq: Seq) -> Self {
        Self { channels_after: seq, addressed_after: seq }
    }

    /// The same, but nowhere beyond `head`.
    pub fn at_most(self, head: Seq) -> Self {
        Self { channels_after: self.channels_after.min(head), addressed_after: self.addressed_after.min(head) }
    }
}
