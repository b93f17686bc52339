//! Decides when a WebSocket is silent: no bytes arrived for too long, and pings were not answered.

use tokio::time::Instant;

use crate::ports::Patience;

/// The last sign of life from the peer.
#[derive(Debug)]
pub(super) struct Life {
    patience: Patience,
    last_heard: Instant,
    /// The number of bytes read at that time. Within a large frame, only this shows that the peer is sending.
    read: u64,
    /// The first ping since then. Without a ping, for example while the hub was busy, silence means nothing.
    pinged: Option<Instant>,
}

impl Life {
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, last_heard: Instant::now(), read: 0, pinged: None }
    }

    /// Notes a sign of life. `read` is the number of bytes read so far.
    pub(super) fn heard(&mut self, read: u64) {
        *self = Self { last_heard: Instant::now(), read, pinged: None, ..*self };
    }

    pub(super) fn pinged(&mut self) {
        self.pinged.get_or_insert_with(Instant::now);
    }

    /// The earliest time at which the peer can be silent for too long, if nothing arrives until then.
    pub(super) fn due(&self) -> Instant {
        let Patience { silent, ping_every, .. } = self.patience;
        let unanswered = self.pinged.map(|at| at + silent.saturating_sub(ping_every));
        let silent = self.last_heard + silent;
        unanswered.map_or(silent, |at| at.max(silent))
    }

    /// Returns whether the peer was silent for too long. `read` is the number of bytes read so far.
    pub(super) fn is_over(&mut self, read: u64) -> bool {
        if read != self.read {
            self.heard(read);
        }
        let Patience { silent, ping_every, .. } = self.patience;
        let answer_due = silent.saturating_sub(ping_every);
        self.last_heard.elapsed() >= silent && self.pinged.is_some_and(|at| at.elapsed() >= answer_due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Seconds until the peer counts as silent. Pings are sent every 20 s; `came` gives the bytes read at a time.
    async fn over_after(life: &mut Life, came: impl Fn(u64) -> u64) -> Option<u64> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(600) {
            tokio::time::advance(Duration::from_secs(20)).await;
            let seconds = start.elapsed().as_secs();
            if life.is_over(came(seconds)) {
                return Some(seconds);
            }
            life.pinged();
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_a_minute_without_a_byte() {
        let mut life = Life::new(Patience::default());
        assert_eq!(over_after(&mut life, |_| 0).await, Some(60));
        life.heard(0);
        assert_eq!(over_after(&mut life, |seconds| seconds / 50).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_due_a_minute_after_the_last_word_whenever_pings_are_sent() {
        let mut life = Life::new(Patience::default());
        tokio::time::advance(Duration::from_secs(19)).await;
        life.heard(0);
        let heard = Instant::now();
        for _ in 0..2 {
            assert_eq!(life.due() - heard, Duration::from_secs(60));
            tokio::time::advance(Duration::from_secs(20)).await;
            life.pinged();
        }
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(life.is_over(0));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_while_no_ping_was_sent_means_nothing() {
        let mut life = Life::new(Patience::default());
        tokio::time::advance(Duration::from_secs(500)).await;
        assert!(!life.is_over(0));
        life.pinged();
        assert_eq!(over_after(&mut life, |_| 0).await, Some(40));
    }
}
