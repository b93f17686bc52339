//! One TCP connection: its socket, which counts bytes, and the state shared by all that handle it.
//!
//! A WebSocket or an HTTP server reports only whole frames and requests. On a slow line that is long after a peer began
//! to send or read one, so bytes are counted here, at the socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::doors::{Seat, SeatGuard};

/// The other end of a connection. Clones are cheap and share the state of the same connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    read: AtomicU64,
    written: AtomicU64,
    /// The system accepted nothing of the last write.
    is_blocked: AtomicBool,
    /// The number of requests whose head was read.
    requests: AtomicUsize,
    /// The number of requests that are not answered yet.
    unanswered: AtomicUsize,
    /// None in tests of single parts.
    seat: Option<Arc<Seat>>,
}

impl Peer {
    pub(super) fn new(seat: Arc<Seat>) -> Self {
        Self(Arc::new(Shared { seat: Some(seat), ..Shared::default() }))
    }

    /// The number of bytes read so far.
    pub(crate) fn read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    /// The number of bytes that the system accepted so far.
    pub(crate) fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    pub(super) fn count_read(&self, bytes: usize) {
        self.0.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_written(&self, bytes: usize) {
        self.0.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns whether the last write waits for the peer to read.
    pub(super) fn is_blocked(&self) -> bool {
        self.0.is_blocked.load(Ordering::Relaxed)
    }

    pub(super) fn set_blocked(&self, is_blocked: bool) {
        self.0.is_blocked.store(is_blocked, Ordering::Relaxed);
    }

    /// Returns whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.0.unanswered.load(Ordering::Relaxed) > 0
    }

    /// The number of requests whose head was read so far.
    pub(super) fn requests(&self) -> usize {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Counts a request as unanswered until the guard is dropped.
    pub(super) fn begin(&self) -> Answering {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        self.0.unanswered.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    /// Notes that this connection showed the token or needs none. Returns false if the hub has no seat for another
    /// member; then the request must be refused.
    #[must_use]
    pub(crate) fn authenticate(&self) -> bool {
        self.0.seat.as_ref().is_none_or(|seat| seat.authenticate())
    }

    /// Waits until this connection has to give up its seat.
    pub(super) async fn evicted(&self) {
        match &self.0.seat {
            Some(seat) => seat.evicted().await,
            None => std::future::pending().await,
        }
    }
}

/// A guard for a request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Peer);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The socket of a connection. Dropping it frees the seat.
#[derive(Debug)]
pub(super) struct Socket {
    // Declared before the seat, so it is dropped first: the next holder of the seat finds the descriptor free.
    pub stream: TcpStream,
    pub peer: Peer,
    _seat: SeatGuard,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, seat: SeatGuard) -> Self {
        Self { stream, peer: Peer::new(seat.seat()), _seat: seat }
    }

    fn count(&self, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = wrote {
            self.peer.count_written(bytes);
        }
        self.peer.set_blocked(wrote.is_pending());
        wrote
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        self.peer.count_read(into.filled().len() - before);
        read
    }
}

impl AsyncWrite for Socket {
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
