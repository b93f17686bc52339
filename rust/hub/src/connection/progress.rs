//! Follows how a peer reads what is written to it, and limits the wait.
//!
//! A WebSocket reports a write only when the whole frame is written. On a slow line, that is long after the peer began
//! to read it. So bytes are counted below the WebSocket, at the socket.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

pub(crate) use crate::ports::Patience;
use crate::ports::Peer;

/// The result of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    /// The write ended. `slowly` means that it took longer than one waiting time, while the peer kept reading.
    Whole { output: T, slowly: bool },
    /// The peer read nothing for too long.
    Stuck,
}

/// Waits for a write to `peer` as long as the peer reads something within each period of `stuck`.
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

    /// Writes 1 MiB to a peer that reads 100 KiB each `every`.
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
