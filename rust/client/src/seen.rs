//! The messages that the consumer has handled, and the reports of them to the hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orochi_protocol::Seq;

/// The seq up to which the consumer has handled everything, shared by the handle and the task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finished(Arc<AtomicU64>);

impl Finished {
    /// Moves it forward.
    pub(crate) fn advance(&self, seq: Seq) {
        self.0.fetch_max(seq.get(), Ordering::Relaxed);
    }

    fn seq(&self) -> Seq {
        Seq::new(self.0.load(Ordering::Relaxed)).unwrap_or(Seq::MAX)
    }
}

/// The reports of it to the hub (`seen` in a heartbeat).
#[derive(Debug)]
pub(crate) struct Seen {
    finished: Finished,
    reported: Seq,
    is_reported: bool,
}

impl Seen {
    /// With `is_reported` false, nothing is reported to the hub.
    pub(crate) fn new(finished: Finished, is_reported: bool) -> Self {
        Self { finished, reported: Seq::ZERO, is_reported }
    }

    /// The seq to report, if it is new.
    pub(crate) fn due(&self) -> Option<Seq> {
        let seq = self.finished.seq();
        (self.is_reported && seq > self.reported).then_some(seq)
    }

    /// Notes that `seq` is reported.
    pub(crate) fn report(&mut self, seq: Seq) {
        self.reported = seq;
    }

    /// Reports again on a new connection: the last report may have been lost with the old one.
    pub(crate) fn forget_report(&mut self) {
        self.reported = Seq::ZERO;
    }

    /// Starts anew for another log: its seqs have no relation to the handled ones.
    pub(crate) fn begin_log(&mut self) {
        self.finished.0.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seen_is_due_once_and_again_on_a_new_connection() {
        let finished = Finished::default();
        let mut seen = Seen::new(finished.clone(), true);
        assert_eq!(seen.due(), None);
        let seven = Seq::new(7).expect("small");
        finished.advance(seven);
        finished.advance(Seq::ZERO);
        assert_eq!(seen.due(), Some(seven));
        seen.report(seven);
        assert_eq!(seen.due(), None);
        seen.forget_report();
        assert_eq!(seen.due(), Some(seven));
        assert_eq!(Seen::new(finished, false).due(), None);
        seen.begin_log();
        assert_eq!(seen.due(), None);
    }
}
