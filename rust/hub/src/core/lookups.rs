//! Questions that memory alone can answer: who is here, which channels there are. They never wait for the disk:
//! while the core writes, it leaves the registry here, and whoever asks looks at it himself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::registry::Registry;

/// Questions that may wait for the core. Each has a request that waits for it.
const WAITING_MAX: usize = 4096;

type Look = Box<dyn FnOnce(&Registry) + Send>;

/// Where questions wait; a clone is another handle to the same place.
#[derive(Clone, Default)]
pub(super) struct Lookups(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The registry, while the core writes to the disk.
    parked: Option<Registry>,
    /// Questions that came while the core was at work in it.
    waiting: Vec<Look>,
    /// The core has stopped: nobody will answer.
    is_closed: bool,
}

/// What becomes of a question.
pub(super) enum Asked {
    /// It has its answer.
    Answered,
    /// The core answers it with its next turn; it may have to be woken.
    Waits,
    /// Nobody answers: the core has stopped, or has too many to answer.
    Refused,
}

impl Lookups {
    /// Looks at the registry at once, or leaves the question to the core.
    pub(super) fn ask(&self, look: impl FnOnce(&Registry) + Send + 'static) -> Asked {
        let mut state = self.lock();
        if let Some(registry) = &state.parked {
            look(registry);
            return Asked::Answered;
        }
        if state.is_closed || state.waiting.len() >= WAITING_MAX {
            return Asked::Refused;
        }
        state.waiting.push(Box::new(look));
        Asked::Waits
    }

    /// Answers the questions that wait.
    pub(super) fn answer(&self, registry: &Registry) {
        // Not under the lock: whoever asks meanwhile is not held up.
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting.into_iter().for_each(|look| look(registry));
    }

    /// Does something that may wait for the disk. Meanwhile the registry can be looked at.
    pub(super) fn during<T>(&self, registry: &mut Registry, work: impl FnOnce() -> T) -> T {
        self.park(std::mem::take(registry));
        let done = work();
        *registry = self.unpark();
        done
    }

    fn park(&self, registry: Registry) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        waiting.into_iter().for_each(|look| look(&registry));
        state.parked = Some(registry);
    }

    fn unpark(&self) -> Registry {
        self.lock().parked.take().unwrap_or_default()
    }

    /// Drops the questions that wait, and refuses later ones.
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
