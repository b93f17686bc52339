//! How far a peer takes what is written to it, and how long it is waited for.
//!
//! A WebSocket says when a whole frame is written, which on a slow line is long after the peer began to take it. So
//! the bytes are counted below it, where they go into the socket.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection is waited for (section 9, Liveness and Slow readers).
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Time between the hub's pings.
    pub ping_every: Duration,
    /// A connection that says nothing for so long, not even a pong, is gone.
    pub silent: Duration,
    /// A connection that takes not a byte for so long is too slow (4008).
    pub stuck: Duration,
    /// How long a dashboard login is valid: a working day.
    pub login: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            ping_every: Duration::from_secs(20),
            silent: minute,
            stuck: minute,
            login: Duration::from_secs(12 * 60 * 60),
        }
    }
}

/// The bytes that a connection has taken. Cloning it is cheap; all clones are of the same connection.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

/// What a write came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    /// It ended. `slowly` where the peer let it wait, and went on taking.
    Whole { output: T, slowly: bool },
    /// The peer took nothing for too long.
    Stuck,
}

impl Progress {
    /// Waits for a write as long as the peer takes something now and then.
    pub(super) async fn wait<F: Future>(&self, write: F, stuck: Duration) -> Taken<F::Output> {
        let mut write = pin!(write);
        let mut slowly = false;
        loop {
            let before = self.0.load(Ordering::Relaxed);
            match timeout(stuck, &mut write).await {
                Ok(output) => return Taken::Whole { output, slowly },
                Err(_) if self.0.load(Ordering::Relaxed) == before => return Taken::Stuck,
                Err(_) => slowly = true,
            }
        }
    }
}

/// A listener whose connections count what is written to them.
#[derive(Debug)]
pub struct Metered<L>(pub L);

impl<L: Listener<Io = TcpStream>> Listener for Metered<L> {
    type Io = Counted;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Counted, L::Addr) {
        let (stream, address) = self.0.accept().await;
        (Counted { stream, written: Progress::default() }, address)
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.0.local_addr()
    }
}

impl<L: Listener<Io = TcpStream>> Connected<IncomingStream<'_, Metered<L>>> for Progress {
    fn connect_info(stream: IncomingStream<'_, Metered<L>>) -> Self {
        stream.io().written.clone()
    }
}

/// A connection that counts what is written to it.
#[derive(Debug)]
pub struct Counted {
    stream: TcpStream,
    written: Progress,
}

impl Counted {
    fn count(&self, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = wrote {
            self.written.0.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        wrote
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.count(wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.count(wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A write of 1 MiB to a peer that takes 100 KiB each `every`.
    async fn write(progress: &Progress, every: Duration) {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        for _ in 0..10 {
            ticks.tick().await;
            progress.0.fetch_add(100 * 1024, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_frame_on_a_slow_line_is_waited_for() {
        let progress = Progress::default();
        let written = progress.wait(write(&progress, Duration::from_secs(50)), MINUTE).await;
        assert_eq!(written, Taken::Whole { output: (), slowly: true });
        let written = progress.wait(write(&progress, Duration::from_secs(1)), MINUTE).await;
        assert_eq!(written, Taken::Whole { output: (), slowly: false });
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_not_waited_for() {
        let progress = Progress::default();
        assert_eq!(progress.wait(write(&progress, Duration::from_secs(200)), MINUTE).await, Taken::Stuck);
    }
}
