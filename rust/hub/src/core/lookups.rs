//! Queries that memory can answer: online agents, channels. They never wait for the disk: while the core writes, it
//! parks its state here, and requesters read it themselves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::known::Known;

/// Queries that may wait for the core. Each has a request that waits for it.
const WAITING_MAX: usize = 4096;

type Look = Box<dyn FnOnce(&Known) + Send>;

/// The waiting queries and the parked state. A clone is another handle to the same.
#[derive(Clone, Default)]
pub(super) struct Lookups(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The core's state, while it writes to the disk.
    parked: Option<Known>,
    /// Queries that arrived while the core was using its state.
    waiting: Vec<Look>,
    /// Set when the core has stopped and answers no more.
    is_closed: bool,
}

/// The result of asking.
pub(super) enum Asked {
    /// The query was answered.
    Answered,
    /// The core answers the query with its next turn; it may have to be woken.
    Waits,
    /// The core has stopped, or too many queries wait.
    Refused,
}

impl Lookups {
    /// Reads the parked state at once, or queues the query for the core.
    pub(super) fn ask(&self, look: impl FnOnce(&Known) + Send + 'static) -> Asked {
        let mut state = self.lock();
        if let Some(known) = &state.parked {
            look(known);
            return Asked::Answered;
        }
        if state.is_closed || state.waiting.len() >= WAITING_MAX {
            return Asked::Refused;
        }
        state.waiting.push(Box::new(look));
        Asked::Waits
    }

    /// Answers the waiting queries.
    pub(super) fn answer(&self, known: &Known) {
        // Answered outside the lock, so that later requesters are not held up.
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting.into_iter().for_each(|look| look(known));
    }

    /// Runs work that may wait for the disk. Meanwhile requesters can read the core's state.
    pub(super) fn during<T>(&self, known: &mut Known, work: impl FnOnce() -> T) -> T {
        self.park(std::mem::take(known));
        let done = work();
        *known = self.unpark();
        done
    }

    fn park(&self, known: Known) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        waiting.into_iter().for_each(|look| look(&known));
        state.parked = Some(known);
    }

    fn unpark(&self) -> Known {
        self.lock().parked.take().unwrap_or_default()
    }

    /// Drops the waiting queries, and refuses later ones.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.waiting.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Lookups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookups")
    }
}
