//! The deadline of an HTTP connection. It depends on the connection's phase and on the bytes that pass.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{Patience, Peer};

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A request's head is arriving. The number counts the requests before it.
    Head(usize),
    /// The hub prepares the answer. A request's body has its own timeout.
    Busy,
    /// The answer waits until the peer reads it. The number counts the bytes written so far.
    Unread(u64),
    /// Between two requests. The numbers count the answered requests and the bytes read so far.
    Idle(usize, u64),
}

/// The deadline of one connection, updated by [`Deadline::poll`].
#[derive(Debug)]
pub(super) struct Deadline {
    peer: Peer,
    patience: Patience,
    phase: Phase,
    /// None while the hub prepares the answer.
    due: Option<Instant>,
    /// The timer is never later than `due`. It may be earlier: waking up early costs less than setting it for each
    /// request.
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// Creates the deadline of a connection that was accepted at `since`.
    pub(super) fn new(peer: Peer, patience: Patience, since: Instant) -> Self {
        let due = since + patience.head;
        Self { peer, patience, phase: Phase::Head(0), due: Some(due), timer: Box::pin(sleep_until(due)) }
    }

    /// Updates the phase. Call this after anything happened on the connection. Ready, with the phase, once it lasted
    /// too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        let phase = self.now_at();
        if phase != self.phase {
            self.phase = phase;
            let patience = match phase {
                Phase::Head(_) => Some(self.patience.head),
                Phase::Busy => None,
                Phase::Unread(_) => Some(self.patience.stuck),
                Phase::Idle(..) => Some(self.patience.idle),
            };
            self.due = patience.map(|patience| Instant::now() + patience);
        }
        loop {
            let Some(due) = self.due else { return Poll::Pending };
            if due < self.timer.deadline() || self.timer.is_elapsed() {
                self.timer.as_mut().reset(due);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if self.timer.deadline() >= due {
                return Poll::Ready(phase);
            }
        }
    }

    fn now_at(&self) -> Phase {
        if self.peer.is_blocked() {
            return Phase::Unread(self.peer.written());
        }
        if self.peer.is_busy() {
            return Phase::Busy;
        }
        let (requests, read) = (self.peer.requests(), self.peer.read());
        match self.phase {
            // A request that was answered between two polls shows only in the number of requests.
            Phase::Head(before) if before == requests => Phase::Head(requests),
            Phase::Idle(before, read_then) if before == requests && read_then != read => Phase::Head(requests),
            Phase::Head(_) | Phase::Idle(..) | Phase::Busy | Phase::Unread(_) => Phase::Idle(requests, read),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    /// Creates a connection's deadline as at its acceptance.
    fn deadline() -> (Peer, Deadline) {
        let peer = Peer::default();
        (peer.clone(), Deadline::new(peer, Patience::default(), Instant::now()))
    }

    /// Seconds until the deadline, waiting at most `seconds`.
    async fn over_within(deadline: &mut Deadline, seconds: u64) -> Option<(u64, Phase)> {
        let start = Instant::now();
        let over = poll_fn(|cx| deadline.poll(cx));
        let phase = tokio::time::timeout(Duration::from_secs(seconds), over).await.ok()?;
        Some((start.elapsed().as_secs(), phase))
    }

    #[tokio::test(start_paused = true)]
    async fn deadline_of_a_head_counts_from_its_beginning_whatever_comes() {
        let (peer, mut deadline) = deadline();
        for _ in 0..3 {
            assert_eq!(over_within(&mut deadline, 3).await, None);
            peer.count_read(1);
        }
        assert_eq!(over_within(&mut deadline, 9).await, Some((1, Phase::Head(0))));
    }

    #[tokio::test(start_paused = true)]
    async fn deadline_is_none_while_the_hub_works_and_long_between_requests() {
        let (peer, mut deadline) = deadline();
        let answering = peer.begin();
        assert_eq!(over_within(&mut deadline, 1000).await, None);
        drop(answering);
        assert_eq!(over_within(&mut deadline, 70).await, None);
        peer.count_read(1);
        assert_eq!(over_within(&mut deadline, 99).await, Some((10, Phase::Head(1))), "a second request has begun");
    }

    #[tokio::test(start_paused = true)]
    async fn deadline_of_an_idle_connection() {
        let (peer, mut deadline) = deadline();
        // Each of these requests is answered between two polls.
        for _ in 0..3 {
            peer.count_read(100);
            drop(peer.begin());
            assert_eq!(over_within(&mut deadline, 50).await, None);
        }
        assert_eq!(over_within(&mut deadline, 99).await, Some((25, Phase::Idle(3, 300))));
    }

    #[tokio::test(start_paused = true)]
    async fn deadline_of_an_answer_is_moved_on_by_each_byte_that_is_taken() {
        let (peer, mut deadline) = deadline();
        let _answering = peer.begin();
        for _ in 0..5 {
            peer.set_blocked(true);
            assert_eq!(over_within(&mut deadline, 50).await, None);
            peer.count_written(1);
        }
        assert_eq!(over_within(&mut deadline, 99).await, Some((60, Phase::Unread(5))));
    }
}
