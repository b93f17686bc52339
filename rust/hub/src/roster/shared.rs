//! The roster of a log that several hubs share: whose batches count, and everybody's sessions over a restart.

#[cfg(feature = "sim")]
use super::Session;
use super::{HubId, Roster};
#[cfg(feature = "sim")]
use crate::store::Shared;

impl Roster {
    /// Takes over what the file says of the other hubs. From now on sessions are written with the records.
    #[cfg(feature = "sim")]
    pub fn share(&mut self, shared: &Shared) {
        self.is_shared = true;
        self.hubs = shared.hubs.iter().map(|(hub, last)| (HubId(*hub), *last)).collect();
        for (name, sessions) in &shared.sessions {
            let Some(agent) = self.find(name) else { continue };
            let sessions: Vec<Session> = serde_json::from_str(sessions).unwrap_or_default();
            self.sessions.extend(sessions.iter().map(|session| (session.id, agent)));
            self.agents[agent].sessions = sessions;
        }
    }

    /// Whether the batch `n` of a hub counts: each once, in the order of their numbers, the first one says that the hub
    /// is up, and none comes after its end. Every hub decides alike, so a batch that was sent twice, too early or too
    /// late is passed over by all.
    pub fn count(&mut self, hub: HubId, n: u64, says_up: bool) -> bool {
        let counts = match self.hubs.get(&hub) {
            None => n == 1 && says_up,
            Some(None) => false,
            Some(Some(last)) => n == last + 1,
        };
        if counts {
            self.hubs.insert(hub, Some(n));
        }
        counts
    }

    /// All that it knows, agents by name: equal on every hub that has applied the same entries.
    #[cfg(feature = "sim")]
    pub fn text(&self) -> String {
        use std::fmt::Write;

        let mut agents: Vec<&super::Agent> = self.agents.iter().collect();
        agents.sort_unstable_by(|one, other| one.record.name.cmp(&other.record.name));
        let mut text = format!("{:?}\n", self.hubs);
        for agent in agents {
            let (state, cursor) = (agent.state(), agent.stored_cursor);
            let _ = writeln!(text, "{:?} {state} {cursor:?} {:?}", agent.record, agent.sessions);
        }
        text
    }
}
