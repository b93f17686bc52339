//! The roster: all agents, their records, and the sessions under their names. Entries change it (`core::apply`), and
//! the records are written in the same transaction as the messages around them.
//!
//! The roster depends on no clock, socket, outbox or hub: the same entries in the same order give the same roster.

mod agent;
mod ids;
mod rows;
mod shared;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orochi_protocol::letters::fold_case;
use orochi_protocol::request::{Conflict, Register, Resume, StatusUpdate};
use orochi_protocol::{AgentName, ErrorCode, Reach, Refusal, Seq, Timestamp};

pub(crate) use agent::{Agent, Goodbye, Session, Standing};
pub use ids::ConnectionId;
#[cfg_attr(
    not(feature = "sim"),
    expect(unreachable_pub, reason = "only the tests of a shared log use it from outside")
)]
pub use ids::HubId;
pub(crate) use ids::SessionId;

use crate::store::AgentRecord;
use crate::store::states::OFFLINE;

/// An agent's index in the roster; agents are never removed.
pub(crate) type AgentIndex = usize;

/// All agents that ever registered.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    agents: Vec<Agent>,
    by_name: HashMap<String, AgentIndex>,
    /// By name in folded case.
    by_folded_name: HashMap<String, Vec<AgentIndex>>,
    /// The agent of each session.
    sessions: HashMap<SessionId, AgentIndex>,
    /// Agents whose records differ from the store's.
    dirty: BTreeSet<AgentIndex>,
    /// The hubs of a shared log, each with its last batch that counted; None if it is gone.
    hubs: BTreeMap<HubId, Option<u64>>,
    /// True if several hubs share the log.
    is_shared: bool,
}

/// A record that differs from the store's and is to be written.
#[derive(Debug)]
pub(crate) struct Due {
    pub agent: AgentIndex,
    pub record: AgentRecord,
    /// The agent's present state.
    pub state: String,
    /// The beginning of the state, if it is not the time of the entry.
    pub since: Option<Timestamp>,
    /// The agent's sessions, if several hubs share the log.
    pub sessions: Option<String>,
}

/// The position and time at which a register takes effect.
pub(crate) struct RegisterAt<'a> {
    /// The log's head.
    pub head: Seq,
    /// Returns the seq after which a channel of the register is delivered.
    pub since: &'a dyn Fn(&str) -> Seq,
    /// The time of the register's batch.
    pub now: Timestamp,
}

/// The result of a register.
#[derive(Debug)]
pub(crate) struct Joined {
    pub agent: AgentIndex,
    /// True if it was offline before.
    pub came_online: bool,
    /// The sessions that the register ended.
    pub replaced: Vec<SessionId>,
}

/// The result of the end of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    /// The session's agent.
    pub agent: AgentIndex,
    /// True if it was the agent's last session.
    pub went_offline: bool,
}

impl Roster {
    /// Creates a roster of the log's agents, each with its last state; all are offline.
    pub(crate) fn new(records: Vec<AgentRecord>, states: &HashMap<String, String>) -> Self {
        let mut roster = Self::default();
        for record in records {
            let state = states.get(&record.name).map_or(OFFLINE, String::as_str);
            roster.add_agent(record, state);
        }
        roster
    }

    /// Returns the agent of this name, if it ever registered.
    pub(crate) fn find(&self, name: &str) -> Option<AgentIndex> {
        self.by_name.get(name).copied()
    }

    /// Returns the name of the agent that a mention names: the same name, or the only one that differs from it in case
    /// (section 4).
    pub(crate) fn spelling(&self, written: &str) -> Option<&str> {
        let index = self.find(written).or_else(|| match self.by_folded_name.get(&fold_case(written))?.as_slice() {
            [only] => Some(*only),
            _ => None,
        })?;
        Some(&self.agents[index].record.name)
    }

    pub(crate) fn agent(&self, index: AgentIndex) -> &Agent {
        &self.agents[index]
    }

    /// Returns all agents, online or not.
    pub(crate) fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// Returns the agent of a session.
    pub(crate) fn session_of(&self, session: SessionId) -> Option<AgentIndex> {
        self.sessions.get(&session).copied()
    }

    /// Counts a session's channels; zero if it is in `channel` already.
    pub(crate) fn channels_beside(&self, session: SessionId, channel: &str) -> usize {
        let channels = self.session(session).map(|session| &session.channels);
        channels.filter(|channels| !channels.contains(channel)).map_or(0, BTreeSet::len)
    }

    /// Registers a session, or registers it again.
    ///
    /// # Errors
    /// `NAME_IN_USE` if it requests to be refused while others have the name; then nothing is changed.
    pub(crate) fn register(
        &mut self,
        id: SessionId,
        name: &AgentName,
        register: &Register,
        at: RegisterAt<'_>,
    ) -> Result<Joined, Refusal> {
        let RegisterAt { head, since, now } = at;
        let replaced = self.settle_conflict(id, name, register.conflict)?;
        let agent = self.find_or_add(name, head, now);
        let entry = self.agent_mut(agent);
        let came_online = !entry.is_online();
        let standing = match entry.sessions.as_slice() {
            [] => Standing::First,
            [only] if only.id == id => Standing::Renewal,
            _ => Standing::OneOfMany,
        };
        entry.introduce(register, standing, now);
        if came_online && !matches!(register.resume, Some(Resume::After(_))) {
            entry.reset_status();
        }
        let named: Vec<String> = register.channels().iter().map(ToString::to_string).collect();
        entry.keep_membership(&named, since, standing);
        let channels = named.into_iter().collect();
        match entry.session_mut(id) {
            Some(session) => {
                session.channels = channels;
                session.reach = register.reach.unwrap_or(session.reach);
            }
            None => {
                let reach = register.reach.unwrap_or_default();
                entry.sessions.push(Session { id, channels, reach, offered: Seq::ZERO, attends: false });
            }
        }
        entry.keep_channels();
        self.sessions.insert(id, agent);
        Ok(Joined { agent, came_online, replaced })
    }

    /// Ends a session; None if the connection has none.
    pub(crate) fn leave(&mut self, session: SessionId, goodbye: Goodbye, now: Timestamp) -> Option<Left> {
        let agent = self.sessions.remove(&session)?;
        let entry = self.agent_mut(agent);
        entry.end_session(session, goodbye);
        entry.record.last_seen = now;
        Some(Left { agent, went_offline: !entry.is_online() })
    }

    /// Ends the sessions of a hub that is gone and was alive until `at`. Returns the agents that went offline.
    pub(crate) fn end_hub(&mut self, hub: HubId, at: Timestamp) -> Vec<AgentIndex> {
        if self.is_shared {
            self.hubs.insert(hub, None);
        }
        self.sessions.retain(|session, _| session.hub != hub);
        let mut went_offline = Vec::new();
        for index in 0..self.agents.len() {
            if !self.agents[index].is_of_hub(hub) {
                continue;
            }
            let was_online = self.agents[index].is_online();
            let agent = self.agent_mut(index);
            agent.end_hub(hub, at);
            if was_online && !agent.is_online() {
                went_offline.push(index);
            }
        }
        went_offline
    }

    /// Adds a channel to a session, for messages after `since`, or removes it if `since` is None.
    pub(crate) fn set_channel(&mut self, id: SessionId, channel: &str, since: Option<Seq>) {
        let Some(agent) = self.session_of(id) else { return };
        let Some(session) = self.agents[agent].session_mut(id) else { return };
        let is_change = match since {
            Some(_) => session.channels.insert(channel.to_owned()),
            None => session.channels.remove(channel),
        };
        if is_change && self.is_shared {
            // Sessions are written with the record.
            self.dirty.insert(agent);
        }
        // If another session of the agent is in the channel too, its record stays the same.
        if is_change && self.agents[agent].keep_channels() {
            self.agent_mut(agent).keep_channel(channel, since);
        }
    }

    /// Returns the agent of this name, added if it never registered.
    pub(crate) fn find_or_add(&mut self, name: &AgentName, head: Seq, now: Timestamp) -> AgentIndex {
        match self.find(name.as_str()) {
            Some(index) => index,
            None => self.add_agent(agent::new_record(name.as_str(), head, now), OFFLINE),
        }
    }

    /// Adds a session without messages, for a request that waits over HTTP: the agent is online as long as it lasts.
    /// Returns true if the agent was offline. Its status stays the same.
    pub(crate) fn attend(&mut self, id: SessionId, agent: AgentIndex, now: Timestamp) -> bool {
        let entry = self.agent_mut(agent);
        let came_online = !entry.is_online();
        entry.sessions.push(Session {
            id,
            channels: BTreeSet::new(),
            reach: Reach::Poll,
            offered: Seq::ZERO,
            attends: true,
        });
        entry.record.last_seen = now;
        if came_online {
            entry.record.registered_at = now;
        }
        self.sessions.insert(id, agent);
        came_online
    }

    /// Changes the channels kept with an agent's name.
    pub(crate) fn keep_channel(&mut self, agent: AgentIndex, channel: &str, since: Option<Seq>) {
        self.agent_mut(agent).keep_channel(channel, since);
    }

    /// Notes a session's reach, and how far its agent was shown messages. Neither causes a write.
    pub(crate) fn set_session(&mut self, id: SessionId, offered: Option<Seq>, reach: Option<Reach>) {
        let Some(agent) = self.session_of(id) else { return };
        let Some(session) = self.agents[agent].session_mut(id) else { return };
        session.offered = session.offered.max(offered.unwrap_or_default());
        session.reach = reach.unwrap_or(session.reach);
    }

    /// Applies an agent's status update.
    pub(crate) fn update_status(&mut self, agent: AgentIndex, update: StatusUpdate, now: Timestamp) {
        self.agent_mut(agent).update_status(update, now);
    }

    /// Moves an agent's cursor to `seen`, only forward.
    pub(crate) fn move_cursor(&mut self, agent: AgentIndex, seen: Seq) {
        if self.agents[agent].record.cursor.is_none_or(|cursor| seen > cursor) {
            self.agent_mut(agent).record.cursor = Some(seen);
        }
    }

    /// Notes an agent's sign of life.
    pub(crate) fn touch(&mut self, agent: AgentIndex, now: Timestamp) {
        self.agents[agent].record.last_seen = now;
        self.dirty.insert(agent);
    }

    /// Takes the records to write with the next batch. The caller must write them, sooner or later.
    pub(crate) fn take_due(&mut self) -> Vec<Due> {
        let due = std::mem::take(&mut self.dirty).into_iter();
        due.map(|index| {
            let agent = &self.agents[index];
            let (record, state) = (agent.record.clone(), agent.state().to_owned());
            let sessions = self.is_shared.then(|| serde_json::to_string(&agent.sessions).expect("sessions are JSON"));
            Due { agent: index, record, state, since: agent.state_since(), sessions }
        })
        .collect()
    }

    /// Notes that records with these cursors are on disk.
    pub(crate) fn records_saved(&mut self, saved: &[(AgentIndex, Option<Seq>)]) {
        for (agent, cursor) in saved {
            self.agents[*agent].stored_cursor = *cursor;
        }
    }

    /// Sets the newest message before an agent's first register, once it is known.
    pub(crate) fn set_first_head(&mut self, agent: AgentIndex, head: Seq) {
        self.agents[agent].record.first_head = head;
    }

    fn settle_conflict(
        &mut self,
        id: SessionId,
        name: &AgentName,
        conflict: Conflict,
    ) -> Result<Vec<SessionId>, Refusal> {
        let Some(agent) = self.find(name.as_str()) else { return Ok(Vec::new()) };
        let all = self.agents[agent].sessions.iter().map(|session| session.id);
        let others: Vec<_> = all.filter(|other| *other != id).collect();
        match conflict {
            Conflict::Join => Ok(Vec::new()),
            Conflict::Refuse if others.is_empty() => Ok(others),
            Conflict::Refuse => {
                let detail = format!("{name} is online on {} other connection(s)", others.len());
                Err(Refusal::new(ErrorCode::NameInUse, detail))
            }
            Conflict::Replace => {
                for other in &others {
                    self.sessions.remove(other);
                    self.agents[agent].end_session(*other, Goodbye::Said);
                }
                Ok(others)
            }
        }
    }

    /// Returns an agent to change its record, which will be written.
    fn agent_mut(&mut self, index: AgentIndex) -> &mut Agent {
        self.dirty.insert(index);
        &mut self.agents[index]
    }

    fn session(&self, id: SessionId) -> Option<&Session> {
        let agent = &self.agents[self.session_of(id)?];
        agent.sessions.iter().find(|session| session.id == id)
    }

    fn add_agent(&mut self, record: AgentRecord, state: &str) -> AgentIndex {
        let index = self.agents.len();
        self.by_name.insert(record.name.clone(), index);
        self.by_folded_name.entry(fold_case(&record.name)).or_default().push(index);
        self.agents.push(Agent::new(record, state));
        index
    }
}
