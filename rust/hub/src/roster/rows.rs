//! Answers from the roster: agents' rows, presence, cursors.

use std::cmp::Reverse;

use orochi_protocol::reply::{AgentRow, PresenceAnswer};
use orochi_protocol::{Reach, Seq};

use super::{Agent, Roster};

impl Roster {
    /// Returns agents' rows by name: the online ones, or all.
    pub(crate) fn rows(&self, all: bool) -> Vec<AgentRow> {
        let mut rows: Vec<AgentRow> =
            self.agents().iter().filter(|agent| all || agent.is_online()).map(agent_row).collect();
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        rows
    }

    /// Returns the row of one agent; None for a name that never registered.
    pub(crate) fn row(&self, name: &str) -> Option<AgentRow> {
        self.find(name).map(|index| agent_row(self.agent(index)))
    }

    /// Returns the rows of the online agents and of at most `away_max` offline ones, those seen last, by name. Also
    /// returns the number of the others. Only the returned agents are copied: a hub may know thousands of names.
    pub(crate) fn recent_rows(&self, away_max: usize) -> (Vec<AgentRow>, usize) {
        let (mut listed, mut away): (Vec<&Agent>, Vec<&Agent>) =
            self.agents().iter().partition(|agent| agent.is_online());
        away.sort_unstable_by_key(|agent| (Reverse(agent.record.last_seen), agent.record.name.as_str()));
        let more = away.len().saturating_sub(away_max);
        listed.extend(away.into_iter().take(away_max));
        listed.sort_unstable_by_key(|agent| agent.record.name.as_str());
        (listed.into_iter().map(agent_row).collect(), more)
    }

    /// Returns the online agents.
    pub(crate) fn presence(&self, detail: bool) -> PresenceAnswer {
        let rows = self.rows(false);
        let agents = rows.iter().map(|row| (row.name.clone(), row.channels.clone())).collect();
        let detail = detail.then(|| rows.into_iter().map(|row| (row.name.clone(), row)).collect());
        PresenceAnswer { agents, detail, more: None, r#ref: None }
    }

    /// Returns an agent's cursor that is on disk.
    pub(crate) fn stored_cursor(&self, name: &str) -> Option<Seq> {
        self.find(name).and_then(|index| self.agent(index).stored_cursor)
    }

    /// Returns the reach of an agent that is online.
    pub(crate) fn reach(&self, name: &str) -> Option<Reach> {
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use orochi_protocol::Timestamp;

    use super::*;
    use crate::roster::agent::new_record;

    #[test]
    fn recent_rows_are_the_agents_seen_last_by_name() {
        let seen = [("alice", 3), ("bob", 1), ("carol", 2), ("dave", 2)];
        let record =
            |(name, second): (&str, i64)| new_record(name, Seq::ZERO, Timestamp::from_micros(second * 1_000_000));
        let roster = Roster::new(seen.map(record).into(), &HashMap::new());
        let names = |away_max| {
            let (rows, more) = roster.recent_rows(away_max);
            (rows.into_iter().map(|row| row.name).collect::<Vec<_>>().join(" "), more)
        };
        assert_eq!(names(4), ("alice bob carol dave".to_owned(), 0));
        assert_eq!(names(2), ("alice carol".to_owned(), 2), "equal times are ordered by name");
        assert_eq!(names(0), (String::new(), 4));
    }
}
