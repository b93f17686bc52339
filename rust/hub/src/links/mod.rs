//! This hub's connections: the messages that each gets, and their history with each agent. They change after the
//! commit, in the order of the entries. In memory only, and owned by the core thread.

mod connection;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use orochi_protocol::request::{EventKind, Register};
use orochi_protocol::{ChannelName, ErrorCode, Refusal, Seq};
use slab::Slab;

pub(crate) use connection::{Connection, Role};

use crate::delivery::coverage::Coverage;
use crate::delivery::interest::{AgentInterest, Interest};
use crate::delivery::outbox::Outbox;
use crate::roster::{AgentIndex, ConnectionId};
use crate::store::Message;

/// A connection's index in the links while it lasts.
pub(crate) type ConnectionIndex = usize;

/// All connections of this hub.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// The links of each agent, by its index in the roster.
    by_agent: Vec<AgentLinks>,
    connections: Slab<Connection>,
    by_id: HashMap<ConnectionId, ConnectionIndex>,
    /// The connections in each channel. `#general` and channels with history are listed even without connections.
    channels: BTreeMap<String, Vec<ConnectionIndex>>,
    /// Channels with at least one message.
    with_history: HashSet<String>,
    observers: Vec<ConnectionIndex>,
    /// The memory of the coverage of all agents.
    coverage_bytes: usize,
    /// Connections that get events: observers, and agents that requested some.
    listeners: BTreeSet<ConnectionIndex>,
    /// The number of the last event. It shows which events a connection missed while it was behind.
    events: u64,
}

/// An agent's connections, present and past.
#[derive(Debug, Default)]
struct AgentLinks {
    connections: Vec<ConnectionIndex>,
    /// The messages delivered to ended connections, for receipts.
    coverage: Coverage,
    /// The number of the last event about the agent.
    last_event: u64,
}

impl Links {
    /// Creates links without connections, with the channels of the log.
    pub(crate) fn new(channels: Vec<String>) -> Self {
        let mut links = Self::default();
        links.channels.insert("#general".to_owned(), Vec::new());
        for channel in channels {
            links.note_channel(&channel);
        }
        links
    }

    pub(crate) fn connections_of(&self, agent: AgentIndex) -> &[ConnectionIndex] {
        self.by_agent.get(agent).map_or(&[], |links| &links.connections)
    }

    /// Returns the number for an event about `agent`.
    pub(crate) fn number_event(&mut self, agent: AgentIndex) -> u64 {
        self.events += 1;
        self.links_mut(agent).last_event = self.events;
        self.events
    }

    /// Returns the agents with an event since the one with this number, inclusive.
    pub(crate) fn changed_since(&self, event: u64) -> Vec<AgentIndex> {
        let links = self.by_agent.iter().enumerate();
        links.filter(|(_, links)| links.last_event >= event).map(|(at, _)| at).collect()
    }

    /// Returns a connection's index while it lasts.
    pub(crate) fn find_connection(&self, id: ConnectionId) -> Option<ConnectionIndex> {
        self.by_id.get(&id).copied()
    }

    pub(crate) fn connection(&self, index: ConnectionIndex) -> &Connection {
        &self.connections[index]
    }

    /// Returns a connection, or None if it is gone.
    pub(crate) fn get_connection_mut(&mut self, index: ConnectionIndex) -> Option<&mut Connection> {
        self.connections.get_mut(index)
    }

    /// Returns a connection, to stage frames for it or to change its feed.
    pub(crate) fn connection_mut(&mut self, index: ConnectionIndex) -> &mut Connection {
        &mut self.connections[index]
    }

    pub(crate) fn connections(&self) -> impl Iterator<Item = (ConnectionIndex, &Connection)> {
        self.connections.iter()
    }

    /// Returns the connections in a channel.
    pub(crate) fn members(&self, channel: &str) -> &[ConnectionIndex] {
        self.channels.get(channel).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn observers(&self) -> &[ConnectionIndex] {
        &self.observers
    }

    /// Returns the connections that get events of this kind.
    pub(crate) fn listeners(&self, kind: EventKind) -> Vec<ConnectionIndex> {
        self.listeners.iter().copied().filter(|index| self.connection(*index).wants_event(kind)).collect()
    }

    /// Notes that a channel has history: it is listed for ever.
    pub(crate) fn note_channel(&mut self, channel: &str) {
        if !self.with_history.contains(channel) {
            self.with_history.insert(channel.to_owned());
            self.channels.entry(channel.to_owned()).or_default();
        }
    }

    /// Adds an observer's connection.
    pub(crate) fn add_observer(&mut self, id: ConnectionId, outbox: Arc<Outbox>) -> ConnectionIndex {
        let index = self.connections.insert(Connection::observer(id, outbox));
        self.by_id.insert(id, index);
        self.observers.push(index);
        self.listeners.insert(index);
        index
    }

    /// Adds an agent's connection, or replaces it, with the channels of `register`, for messages after `positions`.
    pub(crate) fn add_session(
        &mut self,
        id: ConnectionId,
        (agent, name): (AgentIndex, &str),
        register: &Register,
        outbox: Arc<Outbox>,
        positions: Positions<'_>,
    ) -> ConnectionIndex {
        if let Some(old) = self.find_connection(id) {
            self.remove(old);
        }
        let interest = AgentInterest::new(name, positions.start.addressed_after);
        let connection = Connection::agent(id, agent, outbox, interest, register.events.clone());
        let index = self.connections.insert(connection);
        self.by_id.insert(id, index);
        self.links_mut(agent).connections.push(index);
        if !register.events.is_empty() {
            self.listeners.insert(index);
        }
        for channel in register.channels() {
            self.join(index, channel.as_str(), positions.of_channel(channel));
        }
        index
    }

    /// Renews an agent's connection that registers again. From `head` on it is in the channels of `register` and in no
    /// others, and gets the events that the register requests.
    pub(crate) fn renew_session(&mut self, index: ConnectionIndex, register: &Register, head: Seq) {
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

    /// Adds a connection to a channel, for messages after `after`.
    pub(crate) fn join(&mut self, index: ConnectionIndex, channel: &str, after: Seq) {
        if self.connections[index].change_interest(|interest| interest.join(channel, after)) {
            self.channels.entry(channel.to_owned()).or_default().push(index);
        }
    }

    /// Removes a connection from a channel; messages up to `until` are still for it.
    pub(crate) fn leave(&mut self, index: ConnectionIndex, channel: &str, until: Seq) {
        if self.connections[index].change_interest(|interest| interest.leave(channel, until)) {
            self.drop_member(channel, index);
        }
    }

    /// Removes a connection. Its agent's coverage keeps what it was written, for receipts.
    pub(crate) fn remove(&mut self, index: ConnectionIndex) -> Connection {
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

    /// True if a message was written to a connection of the agent, present or ended.
    pub(crate) fn was_written(&self, agent: AgentIndex, message: &Message) -> bool {
        let mut connections = self.connections_of(agent).iter().map(|index| self.connection(*index));
        connections.any(|connection| connection.outbox.written() >= message.seq && connection.interest.wants(message))
            || self.by_agent.get(agent).is_some_and(|links| links.coverage.has(message))
    }

    /// Returns the listed channels.
    pub(crate) fn channels(&self) -> impl Iterator<Item = &String> {
        self.channels.keys()
    }

    /// Refuses to leave further channels if too many stays are still to be served.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub(crate) fn check_stays(&mut self, connection: ConnectionId) -> Result<(), Refusal> {
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

/// The positions from which a session gets its messages, by channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Positions<'a> {
    /// The position at which it resumes.
    pub start: Start,
    /// Channels that were joined after that, each with the seq at joining.
    pub joined: &'a BTreeMap<ChannelName, Seq>,
    /// The log's head, which bounds all positions.
    pub head: Seq,
}

impl Positions<'_> {
    fn of_channel(&self, channel: &ChannelName) -> Seq {
        let joined = self.joined.get(channel).copied().unwrap_or_default();
        self.start.channels_after.max(joined).min(self.head)
    }
}

/// The positions from which a session gets its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Messages of its channels come after this seq.
    pub channels_after: Seq,
    /// Mentions and direct messages come after this seq.
    pub addressed_after: Seq,
}

impl Start {
    /// The same position for both.
    pub(crate) fn after(seq: Seq) -> Self {
        Self { channels_after: seq, addressed_after: seq }
    }

    /// Limits both positions to `head`.
    pub(crate) fn at_most(self, head: Seq) -> Self {
        Self { channels_after: self.channels_after.min(head), addressed_after: self.addressed_after.min(head) }
    }
}
