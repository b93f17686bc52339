//! Questions that memory alone can answer: who is here, which channels there are. They never wait for the disk:
//! while the core writes, it leaves what it knows here, and whoever asks looks at it himself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::known::Known;

/// Questions that may wait for the core. Each has a request that waits for it.
const WAITING_MAX: usize = 4096;

type Look = Box<dyn FnOnce(&Known) + Send>;

/// Where questions wait; a clone is another handle to the same place.
#[derive(Clone, Default)]
pub(super) struct Lookups(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What the core knows, while it writes to the disk.
    parked: Option<Known>,
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
    /// Looks at what the core knows at once, or leaves the question to the core.
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

    /// Answers the questions that wait.
    pub(super) fn answer(&self, known: &Known) {
        // Not under the lock: whoever asks meanwhile is not held up.
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting.into_iter().for_each(|look| look(known));
    }

    /// Does something that may wait for the disk. Meanwhile what the core knows can be looked at.
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
