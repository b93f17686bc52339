//! Answers from the roster: agents' rows, presence, cursors.

use orochi_protocol::reply::{AgentRow, PresenceAnswer};
use orochi_protocol::{Reach, Seq};

use super::{Agent, Roster};

impl Roster {
    /// Returns agents' rows by name: the online ones, or all.
    pub fn rows(&self, all: bool) -> Vec<AgentRow> {
        let mut rows: Vec<AgentRow> =
            self.agents().iter().filter(|agent| all || agent.is_online()).map(agent_row).collect();
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        rows
    }

    /// Returns the online agents.
    pub fn presence(&self, detail: bool) -> PresenceAnswer {
        let rows = self.rows(false);
        let agents = rows.iter().map(|row| (row.name.clone(), row.channels.clone())).collect();
        let detail = detail.then(|| rows.into_iter().map(|row| (row.name.clone(), row)).collect());
        PresenceAnswer { agents, detail, more: None, r#ref: None }
    }

    /// Returns an agent's cursor that is on disk.
    pub fn stored_cursor(&self, name: &str) -> Option<Seq> {
        self.find(name).and_then(|index| self.agent(index).stored_cursor)
    }

    /// Returns the reach of an agent that is online.
    pub fn reach(&self, name: &str) -> Option<Reach> {
        self.find(name).and_then(|index| self.agent(index).reach())
    }
}

fn agent_row(agent: &Agent) -> AgentRow {
    let record = &agent.record;
    AgentRow {
        name: record.name.clone(),
        channels: record.channels.clone(),
        identity: record.identity.clone(),
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
