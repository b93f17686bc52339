//! Who is connected, in which channels, and what is known of each agent. In memory only, and owned by the
//! core thread; agents' records are written with the next commit.

mod agent;
mod connection;
mod coverage;
mod interest;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use orochi_protocol::letters::fold_case;
use orochi_protocol::request::{EventKind, Register};
use orochi_protocol::{AgentName, ChannelName, Seq, Timestamp};
use slab::Slab;

pub use agent::{Agent, Standing};
pub use connection::{Connection, ConnectionId, Role};
pub use interest::{AgentInterest, Interest};

use crate::outbox::Outbox;
use crate::store::AgentRecord;

/// An agent's place in the registry; agents are never removed.
pub type AgentIndex = usize;
/// A connection's place in the registry while it lasts.
pub type ConnectionIndex = usize;

/// All agents that ever registered and all connections there are.
#[derive(Debug, Default)]
pub struct Registry {
    agents: Vec<Agent>,
    by_name: HashMap<String, AgentIndex>,
    /// The same without differences of case.
    by_folded_name: HashMap<String, Vec<AgentIndex>>,
    connections: Slab<Connection>,
    by_id: HashMap<ConnectionId, ConnectionIndex>,
    /// The connections in each channel. `#general` and channels with history stay without any.
    channels: BTreeMap<String, Vec<ConnectionIndex>>,
    /// Channels that messages were sent to.
    with_history: HashSet<String>,
    observers: Vec<ConnectionIndex>,
    /// Agents whose records differ from the store's.
    dirty: BTreeSet<AgentIndex>,
    /// Whether one of them differs in more than its last sign of life, which can wait for the next commit.
    must_write: bool,
    /// Counts what agents' events are sent for; tells what a connection that was behind has missed.
    events: u64,
}

impl Registry {
    /// A registry of agents and channels that are known from the log.
    pub fn new(agents: Vec<AgentRecord>, channels: Vec<String>) -> Self {
        let mut registry = Self::default();
        registry.channels.insert("#general".to_owned(), Vec::new());
        for record in agents {
            registry.add_agent(record);
        }
        for channel in channels {
            registry.note_channel(&channel);
        }
        registry
    }

    /// The agent of this name, if it ever registered.
    pub fn find(&self, name: &str) -> Option<AgentIndex> {
        self.by_name.get(name).copied()
    }

    /// The name of the agent that a mention names: the same, or the only one that differs from it in case
    /// (section 4).
    pub fn spelling(&self, written: &str) -> Option<&str> {
        let index = self.find(written).or_else(|| match self.by_folded_name.get(&fold_case(written))?.as_slice() {
            [only] => Some(*only),
            _ => None,
        })?;
        Some(&self.agents[index].record.name)
    }

    /// One agent.
    pub fn agent(&self, index: AgentIndex) -> &Agent {
        &self.agents[index]
    }

    /// One agent, to change what is kept of it: its record will be written.
    pub fn agent_mut(&mut self, index: AgentIndex) -> &mut Agent {
        self.dirty.insert(index);
        self.must_write = true;
        &mut self.agents[index]
    }

    /// One agent, to change what is not kept over restarts.
    pub fn agent_entry(&mut self, index: AgentIndex) -> &mut Agent {
        &mut self.agents[index]
    }

    /// An agent gave a sign of life.
    pub fn touch(&mut self, index: AgentIndex, now: Timestamp) {
        self.agents[index].record.last_seen = now;
        self.dirty.insert(index);
    }

    /// Every online agent gave a sign of life, and that is to be written now.
    pub fn touch_online(&mut self, now: Timestamp) {
        for index in 0..self.agents.len() {
            if self.agents[index].is_online() {
                self.agent_mut(index).record.last_seen = now;
            }
        }
    }

    /// Agents about which an event was sent since the one with this number, itself included.
    pub fn changed_since(&self, event: u64) -> Vec<AgentIndex> {
        self.agents.iter().enumerate().filter(|(_, agent)| agent.last_event >= event).map(|(at, _)| at).collect()
    }

    /// Whether there are records that can't wait for the next message.
    pub fn must_write(&self) -> bool {
        self.must_write
    }

    /// All agents, online or not.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter()
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
        self.connections.iter().filter(|(_, c)| c.wants_event(kind)).map(|(index, _)| index).collect()
    }

    /// The next event's number.
    pub fn next_event(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    /// The records to write with the next commit; they stay due until [`Registry::records_written`].
    pub fn due_records(&self) -> Vec<AgentRecord> {
        self.dirty.iter().map(|index| self.agents[*index].record.clone()).collect()
    }

    /// The agents whose state is another one than what is on disk, and that state.
    pub fn due_states(&self) -> Vec<(String, String)> {
        let changed = self.dirty.iter().map(|index| &self.agents[*index]);
        let changed = changed.filter(|agent| agent.state() != agent.state_written);
        changed.map(|agent| (agent.record.name.clone(), agent.state().to_owned())).collect()
    }

    /// The due records and states are on disk.
    pub fn records_written(&mut self) {
        for index in &self.dirty {
            let agent = &mut self.agents[*index];
            if agent.state() != agent.state_written {
                agent.state_written = agent.state().to_owned();
            }
        }
        self.dirty.clear();
        self.must_write = false;
    }

    /// A channel has history now: it is listed for ever.
    pub fn note_channel(&mut self, channel: &str) {
        if !self.with_history.contains(channel) {
            self.with_history.insert(channel.to_owned());
            self.channels.entry(channel.to_owned()).or_default();
        }
    }

    /// The agent of this name, made where it has never registered.
    pub fn agent_for(&mut self, name: &AgentName, head: Seq, now: Timestamp) -> AgentIndex {
        match self.find(name.as_str()) {
            Some(index) => index,
            None => self.add_agent(agent::new_record(name.as_str(), head, now)),
        }
    }

    /// Adds an observer's connection.
    pub fn add_observer(&mut self, id: ConnectionId, outbox: Arc<Outbox>) -> ConnectionIndex {
        let index = self.connections.insert(Connection::observer(id, outbox));
        self.by_id.insert(id, index);
        self.observers.push(index);
        index
    }

    /// Adds an agent's connection, or makes it anew, with the channels of `register`, for messages after `places`.
    pub fn add_session(
        &mut self,
        id: ConnectionId,
        agent: AgentIndex,
        register: &Register,
        outbox: Arc<Outbox>,
        places: Places<'_>,
    ) -> ConnectionIndex {
        if let Some(old) = self.find_connection(id) {
            self.remove(old);
        }
        let interest = AgentInterest::new(&self.agents[agent].record.name, places.start.addressed_after);
        let connection = Connection::agent(id, agent, outbox, interest, register.events.clone());
        let index = self.connections.insert(connection);
        self.by_id.insert(id, index);
        self.agents[agent].connections.push(index);
        for channel in &register.channels {
            self.join(index, channel.as_str(), places.of_channel(channel));
        }
        // Also where it is in no channel: the record says so from now on.
        self.keep_channels(agent);
        index
    }

    /// An agent's connection registers again: from `head` on it is in the channels of `register` and in no others,
    /// and gets the events that it asks for now.
    pub fn renew_session(&mut self, index: ConnectionIndex, register: &Register, head: Seq) {
        if let Interest::Agent(interest) = &*Arc::clone(&self.connections[index].interest) {
            let stays = |channel: &str| register.channels.iter().any(|kept| kept.as_str() == channel);
            for channel in interest.channels().filter(|channel| !stays(channel)) {
                self.leave(index, channel, head);
            }
        }
        for channel in &register.channels {
            self.join(index, channel.as_str(), head);
        }
        if let Role::Agent { events, .. } = &mut self.connections[index].role {
            events.clone_from(&register.events);
        }
    }

    /// A connection joins a channel, for messages after `after`.
    pub fn join(&mut self, index: ConnectionIndex, channel: &str, after: Seq) {
        let connection = &mut self.connections[index];
        let Role::Agent { agent, .. } = connection.role else { return };
        if connection.change_interest(|interest| interest.join(channel, after)) {
            self.channels.entry(channel.to_owned()).or_default().push(index);
            self.keep_channels(agent);
        }
    }

    /// A connection leaves a channel; messages up to `until` are still for it.
    pub fn leave(&mut self, index: ConnectionIndex, channel: &str, until: Seq) {
        let connection = &mut self.connections[index];
        let Role::Agent { agent, .. } = connection.role else { return };
        if connection.change_interest(|interest| interest.leave(channel, until)) {
            self.drop_member(channel, index);
            self.keep_channels(agent);
        }
    }

    /// Removes a connection. What it was written stays known to its agent's receipts.
    pub fn remove(&mut self, index: ConnectionIndex) -> Connection {
        let connection = self.connections.remove(index);
        self.by_id.remove(&connection.id);
        self.observers.retain(|other| *other != index);
        if let (Role::Agent { agent, .. }, Interest::Agent(interest)) = (&connection.role, &*connection.interest) {
            for channel in interest.channels() {
                self.drop_member(channel, index);
            }
            let left = &mut self.agents[*agent];
            left.connections.retain(|other| *other != index);
            left.coverage.add(Arc::clone(&connection.interest), connection.outbox.written());
            if left.is_online() {
                self.keep_channels(*agent);
            }
        }
        connection
    }

    fn add_agent(&mut self, record: AgentRecord) -> AgentIndex {
        let index = self.agents.len();
        self.by_name.insert(record.name.clone(), index);
        self.by_folded_name.entry(fold_case(&record.name)).or_default().push(index);
        self.agents.push(Agent::new(record));
        index
    }

    fn drop_member(&mut self, channel: &str, index: ConnectionIndex) {
        if let Some(members) = self.channels.get_mut(channel) {
            members.retain(|other| *other != index);
            if members.is_empty() && !self.with_history.contains(channel) && channel != "#general" {
                self.channels.remove(channel);
            }
        }
    }

    /// Keeps an online agent's channels in its record, so that they are known when it is offline.
    fn keep_channels(&mut self, index: AgentIndex) {
        let channels = self.channels_of(index);
        if self.agents[index].record.channels != channels {
            self.agent_mut(index).record.channels = channels;
        }
    }

    /// The union of the channels of an agent's connections, in order.
    fn channels_of(&self, index: AgentIndex) -> Vec<String> {
        let mut channels = BTreeSet::new();
        for connection in &self.agents[index].connections {
            if let Interest::Agent(interest) = &*self.connections[*connection].interest {
                channels.extend(interest.channels().map(ToOwned::to_owned));
            }
        }
        channels.into_iter().collect()
    }
}

/// From where a session gets its messages, channel by channel.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Where it resumes.
    pub start: Start,
    /// Channels that were joined after that, and when.
    pub joined: &'a BTreeMap<ChannelName, Seq>,
}

impl Places<'_> {
    fn of_channel(&self, channel: &ChannelName) -> Seq {
        let joined = self.joined.get(channel).copied().unwrap_or_default();
        self.start.channels_after.max(joined)
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
}
