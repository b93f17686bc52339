//! Remembers up to what time, on Gitea's clock, each repository's events are posted. While events of a repository may
//! be missing, its place does not move, so a later query covers everything after it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use orochi_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::gitea::webhook::event::Event;
use crate::store::Note;

/// Prefix of the notes that hold places; the repository's number follows.
pub(super) const PREFIX: &str = "repo:";

/// A repository and the time up to which its events are posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    pub(super) id: u64,
    /// Its last known name.
    pub(super) name: String,
    /// All events before this time are posted.
    pub(super) since: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Places {
    /// A std mutex: it is held to look something up, never over an await.
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    known: HashMap<u64, Place>,
    /// The repositories with possibly missing events, each with its newest debt.
    owed: HashMap<u64, u64>,
    /// The number of the newest debt.
    debts: u64,
    /// A delivery arrived that could not be read.
    doubted: bool,
}

/// A repository with possibly missing events.
#[derive(Debug, Clone)]
pub(super) struct Owed {
    pub(super) place: Place,
    /// The debt that this query covers. A newer debt needs another query.
    pub(super) debt: u64,
}

impl Inner {
    fn owe(&mut self, id: u64) {
        self.debts += 1;
        self.owed.insert(id, self.debts);
    }
}

impl Places {
    /// Loads the notes of a former run. Each repository may have missed events meanwhile, so each one is owed.
    pub(super) fn load(&self, notes: &[Note]) {
        let mut inner = self.lock();
        for note in notes {
            if let Ok(place) = serde_json::from_str::<Place>(&note.value) {
                inner.owe(place.id);
                inner.known.insert(place.id, place);
            }
        }
    }

    /// The note that is stored with an event.
    pub(super) fn note(&self, event: &Event) -> Option<(String, String)> {
        let place = self.after(&self.lock(), event)?;
        Some((format!("{PREFIX}{}", place.id), serde_json::to_string(&place).ok()?))
    }

    /// Moves the place after an event was stored.
    pub(super) fn told(&self, event: &Event) {
        let mut inner = self.lock();
        if let Some(place) = self.after(&inner, event) {
            inner.known.insert(place.id, place);
        }
    }

    /// Records that an event was not stored. Gitea does not repeat deliveries.
    pub(super) fn owe(&self, event: &Event) {
        let mut inner = self.lock();
        if let (false, Some(at)) = (inner.known.contains_key(&event.repo_id), Timestamp::parse(&event.at)) {
            let place = Place { id: event.repo_id, name: event.repo.clone(), since: at };
            inner.known.insert(event.repo_id, place);
        }
        inner.owe(event.repo_id);
        drop(inner);
        self.wake.notify_one();
    }

    /// Records that a delivery could not be read. It may have concerned any repository, so all are owed.
    pub(super) fn doubt(&self) {
        let mut inner = self.lock();
        for id in inner.known.keys().copied().collect::<Vec<_>>() {
            inner.owe(id);
        }
        inner.doubted = true;
        drop(inner);
        self.wake.notify_one();
    }

    /// Returns whether a delivery could not be read since the last call.
    pub(super) fn take_doubt(&self) -> bool {
        std::mem::take(&mut self.lock().doubted)
    }

    /// The repositories with possibly missing events.
    pub(super) fn owed(&self) -> Vec<Owed> {
        let inner = self.lock();
        let owed = inner.owed.iter();
        owed.filter_map(|(id, debt)| Some(Owed { place: inner.known.get(id)?.clone(), debt: *debt })).collect()
    }

    /// Clears the repository's debt, unless a newer one was added during the query.
    pub(super) fn settle(&self, id: u64, debt: u64) {
        let mut inner = self.lock();
        if inner.owed.get(&id) == Some(&debt) {
            inner.owed.remove(&id);
        }
    }

    /// Waits until a debt is added.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    fn after(&self, inner: &Inner, event: &Event) -> Option<Place> {
        if event.repo_id == 0 {
            return None;
        }
        let at = Timestamp::parse(&event.at);
        let known = inner.known.get(&event.repo_id);
        // Late events are posted in order, so the place may follow them.
        let may_move = event.is_late || !inner.owed.contains_key(&event.repo_id);
        let since = match (known, at) {
            (Some(known), Some(at)) if may_move => known.since.max(at),
            (Some(known), _) => known.since,
            (None, at) => at?,
        };
        Some(Place { id: event.repo_id, name: event.repo.clone(), since })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: &str, is_late: bool) -> Event {
        Event { repo_id: 7, repo: "lab/api".to_owned(), at: at.to_owned(), is_late, ..Event::default() }
    }

    #[test]
    fn place_follows_what_is_told_and_stays_while_something_is_owed() {
        let places = Places::default();
        let tell = |at: &str, is_late| {
            places.told(&event(at, is_late));
            places.lock().known[&7].since.to_string()
        };
        assert!(tell("2026-01-01T10:00:00Z", false).starts_with("2026-01-01T10:00:00"));
        assert!(tell("2026-01-01T12:30:00+02:00", false).starts_with("2026-01-01T10:30:00"), "other zones");
        assert!(tell("2026-01-01T09:00:00Z", false).starts_with("2026-01-01T10:30:00"), "never back");
        places.owe(&event("2026-01-01T11:00:00Z", false));
        assert!(tell("2026-01-01T12:00:00Z", false).starts_with("2026-01-01T10:30:00"));
        assert!(tell("2026-01-01T11:00:00Z", true).starts_with("2026-01-01T11:00:00"));
        let debt = places.owed()[0].debt;
        places.owe(&event("2026-01-01T11:30:00Z", false));
        places.settle(7, debt);
        assert!(tell("2026-01-01T12:00:00Z", false).starts_with("2026-01-01T11:00:00"), "owed anew while it was asked");
        places.settle(7, places.owed()[0].debt);
        assert!(tell("2026-01-01T12:00:00Z", false).starts_with("2026-01-01T12:00:00"));
    }
}
