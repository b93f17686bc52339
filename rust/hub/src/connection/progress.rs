//! How far a peer takes what is written to it, and how long it is waited for.
//!
//! A WebSocket says when a whole frame is written, which on a slow line is long after the peer began to take it. So
//! the bytes are counted below it, where they go into the socket.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

pub use crate::ports::Patience;
use crate::ports::Peer;

/// What a write came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    /// It ended. `slowly` where the peer let it wait, and went on taking.
    Whole { output: T, slowly: bool },
    /// The peer took nothing for too long.
    Stuck,
}

/// Waits for a write to `peer` as long as it takes something now and then.
pub(super) async fn wait<F: Future>(peer: &Peer, write: F, stuck: Duration) -> Taken<F::Output> {
    let mut write = pin!(write);
    let mut slowly = false;
    loop {
        let before = peer.written();
        match timeout(stuck, &mut write).await {
            Ok(output) => return Taken::Whole { output, slowly },
            Err(_) if peer.written() == before => return Taken::Stuck,
            Err(_) => slowly = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A write of 1 MiB to a peer that takes 100 KiB each `every`.
    async fn write(peer: &Peer, every: Duration) {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        for _ in 0..10 {
            ticks.tick().await;
            peer.count_written(100 * 1024);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_frame_on_a_slow_line_is_waited_for() {
        let peer = Peer::default();
        let written = wait(&peer, write(&peer, Duration::from_secs(50)), MINUTE).await;
        assert_eq!(written, Taken::Whole { output: (), slowly: true });
        let written = wait(&peer, write(&peer, Duration::from_secs(1)), MINUTE).await;
        assert_eq!(written, Taken::Whole { output: (), slowly: false });
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_not_waited_for() {
        let peer = Peer::default();
        assert_eq!(wait(&peer, write(&peer, Duration::from_secs(200)), MINUTE).await, Taken::Stuck);
    }
}
