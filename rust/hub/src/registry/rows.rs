//! The registry as answers: agents' rows, presence, channels, receipts.

use std::collections::BTreeMap;

use orochi_protocol::reply::{AgentRow, DeliveryState, PresenceAnswer, ReceiptState};
use orochi_protocol::{Reach, Seq};

use super::{Agent, Registry};
use crate::store::StoredMessage;

impl Registry {
    /// Agents' rows by name: the online ones, or all.
    pub fn rows(&self, all: bool) -> Vec<AgentRow> {
        let mut rows: Vec<AgentRow> =
            self.roster.agents().iter().filter(|agent| all || agent.is_online()).map(agent_row).collect();
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        rows
    }

    /// Who is online.
    pub fn presence(&self, detail: bool) -> PresenceAnswer {
        let rows = self.rows(false);
        let agents = rows.iter().map(|row| (row.name.clone(), row.channels.clone())).collect();
        let detail = detail.then(|| rows.into_iter().map(|row| (row.name.clone(), row)).collect());
        PresenceAnswer { agents, detail, more: None, r#ref: None }
    }

    /// Channels and the names of the agents in them.
    pub fn channel_members(&self) -> BTreeMap<String, Vec<String>> {
        self.channels.keys().map(|channel| (channel.clone(), self.member_names(channel))).collect()
    }

    /// The names of the agents in a channel, each once, in order.
    pub fn member_names(&self, channel: &str) -> Vec<String> {
        let agents = self.members(channel).iter().filter_map(|index| self.connection(*index).agent_index());
        let mut names: Vec<String> = agents.map(|agent| self.roster.agent(agent).record.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Where an addressed agent is.
    pub fn delivery_state(&self, name: &str) -> DeliveryState {
        match self.roster.find(name) {
            None => DeliveryState::Unknown,
            Some(index)
                if !self.connections_of(index).is_empty()
                    || self.roster.agent(index).sessions.iter().any(|session| session.attends) =>
            {
                DeliveryState::Online
            }
            Some(_) => DeliveryState::Offline,
        }
    }

    /// An agent's cursor that is on disk.
    pub fn stored_cursor(&self, name: &str) -> Option<Seq> {
        self.roster.find(name).and_then(|index| self.roster.agent(index).stored_cursor)
    }

    /// How messages reach an agent that is online.
    pub fn reach(&self, name: &str) -> Option<Reach> {
        self.roster.find(name).and_then(|index| self.roster.agent(index).reach())
    }

    /// How far a message got with the agent called `name`.
    pub fn receipt_state(&self, name: &str, message: &StoredMessage) -> ReceiptState {
        let Some(index) = self.roster.find(name) else { return ReceiptState::Pending };
        if self.roster.agent(index).stored_cursor.is_some_and(|cursor| cursor >= message.seq) {
            return ReceiptState::Seen;
        }
        let written = self
            .connections_of(index)
            .iter()
            .map(|index| self.connection(*index))
            .any(|connection| connection.outbox.written() >= message.seq && connection.interest.wants(message));
        let covered = self.by_agent.get(index).is_some_and(|links| links.coverage.has(message));
        let is_offered = self.roster.agent(index).offered() >= message.seq;
        match written || covered {
            true if is_offered => ReceiptState::Offered,
            true => ReceiptState::Delivered,
            false => ReceiptState::Pending,
        }
    }
}

fn agent_row(agent: &Agent) -> AgentRow {
    let record = &agent.record;
    AgentRow {
        name: record.name.clone(),
        channels: record.channels.clone(),
        machine: record.machine.clone(),
        role: record.role.clone(),
        model: record.model.clone(),
        agent_id: record.agent_id.clone(),
        project: record.project.clone(),
        status: record.status.clone(),
        current_task: record.current_task.clone(),
        progress: record.progress,
        last_heartbeat: record.last_seen,
        registered_at: record.registered_at,
        online: agent.is_online(),
        last_seen: Some(record.last_seen),
        connections: u32::try_from(agent.sessions.len()).unwrap_or(u32::MAX),
        cursor: agent.stored_cursor,
        reach: agent.reach(),
    }
}
