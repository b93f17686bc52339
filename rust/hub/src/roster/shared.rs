//! The roster of a shared log: it decides which batches count, and keeps all hubs' sessions over a restart.

#[cfg(feature = "sim")]
use super::Session;
use super::{HubId, Roster};
#[cfg(feature = "sim")]
use crate::store::Shared;

impl Roster {
    /// Loads the other hubs' state from the file. From now on sessions are written with the records.
    #[cfg(feature = "sim")]
    pub(crate) fn share(&mut self, shared: &Shared) {
        self.is_shared = true;
        self.hubs = shared.hubs.iter().map(|(hub, last)| (HubId(*hub), *last)).collect();
        for (name, sessions) in &shared.sessions {
            let Some(agent) = self.find(name) else { continue };
            let sessions: Vec<Session> = serde_json::from_str(sessions).unwrap_or_default();
            self.sessions.extend(sessions.iter().map(|session| (session.id, agent)));
            self.agents[agent].sessions = sessions;
        }
    }

    /// Returns true if batch `n` of a hub counts. Each batch counts once and in order; the first one must say that the
    /// hub is up, and none counts after the hub's end. Every hub decides alike, so all of them skip a batch that was
    /// sent twice, too early or too late.
    pub(crate) fn count(&mut self, hub: HubId, n: u64, says_up: bool) -> bool {
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

    /// Returns the whole roster as text, agents by name: equal on all hubs that have applied the same entries.
    #[cfg(feature = "sim")]
    pub(crate) fn text(&self) -> String {
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
