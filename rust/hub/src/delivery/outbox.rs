//! What waits to be written to one connection, shared by the core thread, which fills it, and the
//! connection's task, which empties it.
//!
//! Messages are bounded: a connection that can't keep up is switched to reading the log itself
//! ([`Feed::Behind`]), so nothing here grows with how slow a reader is. Replies are not bounded here, but a
//! connection stops reading requests while it has too many of them.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::{CloseCode, Seq};
use tokio::sync::Notify;

use crate::delivery::interest::Interest;

/// Frames that may wait. A batch is at most 2048 messages, so a reader may be four of the largest late before it is
/// sent to the log, which costs more than memory.
pub const FRAMES_MAX: usize = 8 * 1024;
/// Bytes that may wait; the frames are shared with all other receivers.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Requests of one connection that the core may have before it: room for a client that sends thousands before it reads
/// the first answer, and half of what the core takes from all.
const ASKED_MAX: usize = 4096;
/// Items for which a list keeps its space while it is empty: there are three lists a connection.
pub const KEPT_ITEMS: usize = 2048;

/// One frame to write.
#[derive(Debug, Clone)]
pub struct Item {
    /// The frame.
    pub frame: Utf8Bytes,
    /// The message's place, where it is one.
    pub seq: Option<Seq>,
}

/// Where a connection's messages come from.
#[derive(Debug, Clone)]
pub enum Feed {
    /// The core pushes them.
    Live,
    /// The connection reads them from the log, from `position` on.
    Behind {
        /// Everything up to here was handed to the connection.
        position: Seq,
        /// What it is to get.
        interest: Arc<Interest>,
    },
    /// The connection has asked to go live and waits for the core's word.
    Asked,
}

/// What the connection's task is to do next.
#[derive(Debug)]
pub enum Next {
    /// Write what was taken.
    Write,
    /// Nothing to write: read the log from here.
    Read(Seq),
    /// Nothing to do.
    Wait,
    /// Everything is written: close.
    Close(CloseCode),
}

/// The frames that wait for one connection.
#[derive(Debug, Default)]
pub struct Outbox {
    // A std mutex: it is held for a move of a few pointers, never across an await.
    inner: Mutex<Inner>,
    wake: Notify,
    /// Everything addressed to the connection up to here was written to its socket.
    written: AtomicU64,
    /// Requests that the core has not answered yet.
    asked: AtomicUsize,
    /// Set once the peer has sent a close frame.
    has_goodbye: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    items: Vec<Item>,
    bytes: usize,
    feed: Feed,
    close: Option<CloseCode>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { items: Vec::new(), bytes: 0, feed: Feed::Live, close: None }
    }
}

impl Outbox {
    /// Adds replies and, as far as they fit, messages; empties `staged`. False where the messages did not
    /// fit: then none of them was taken, and the caller is to switch the feed.
    pub fn push(&self, staged: &mut Vec<Item>) -> bool {
        let mut inner = self.lock();
        let staged_bytes: usize = staged.iter().map(|item| item.frame.len()).sum();
        let fits = inner.items.len() + staged.len() <= FRAMES_MAX && inner.bytes + staged_bytes <= BYTES_MAX;
        if !fits {
            staged.retain(|item| item.seq.is_none());
        }
        inner.bytes += if fits { staged_bytes } else { staged.iter().map(|item| item.frame.len()).sum::<usize>() };
        if inner.items.is_empty() {
            std::mem::swap(&mut inner.items, staged);
        } else {
            inner.items.append(staged);
        }
        drop(inner);
        self.wake.notify_one();
        fits
    }

    /// Adds one reply.
    pub fn reply(&self, frame: Utf8Bytes) {
        self.replies(vec![frame]);
    }

    /// Adds replies with nothing between them.
    pub fn replies(&self, frames: Vec<Utf8Bytes>) {
        self.push(&mut frames.into_iter().map(|frame| Item { frame, seq: None }).collect());
    }

    /// Says where messages come from now.
    pub fn set_feed(&self, feed: Feed) {
        self.lock().feed = feed;
        self.wake.notify_one();
    }

    /// Tells a connection that is behind what it is to get from now on.
    pub fn set_interest(&self, changed: Arc<Interest>) {
        if let Feed::Behind { interest, .. } = &mut self.lock().feed {
            *interest = changed;
        }
    }

    /// Closes the connection once all that waits is written.
    pub fn close(&self, code: CloseCode) {
        self.lock().close.get_or_insert(code);
        self.wake.notify_one();
    }

    /// Waits until there may be something to do.
    pub async fn ready(&self) {
        self.wake.notified().await;
    }

    /// Moves what waits into `taken`, which is empty, and says what to do.
    pub fn take(&self, taken: &mut Vec<Item>) -> Next {
        let mut inner = self.lock();
        if !inner.items.is_empty() {
            std::mem::swap(&mut inner.items, taken);
            inner.bytes = 0;
            return Next::Write;
        }
        match (&inner.close, &inner.feed) {
            (Some(code), _) => Next::Close(*code),
            (None, Feed::Behind { position, .. }) => Next::Read(*position),
            (None, Feed::Live | Feed::Asked) => Next::Wait,
        }
    }

    /// What a connection that is behind is to get; None where it is not behind (any more).
    pub fn interest(&self) -> Option<Arc<Interest>> {
        match &self.lock().feed {
            Feed::Behind { interest, .. } => Some(Arc::clone(interest)),
            Feed::Live | Feed::Asked => None,
        }
    }

    /// Notes that the connection has read the log up to `position`; false where it is not behind any more.
    pub fn advance(&self, position: Seq) -> bool {
        match &mut self.lock().feed {
            Feed::Behind { position: known, .. } => {
                *known = position;
                true
            }
            Feed::Live | Feed::Asked => false,
        }
    }

    /// Whether so much waits that no further request should be read.
    pub fn is_full(&self) -> bool {
        let inner = self.lock();
        inner.items.len() >= FRAMES_MAX || inner.bytes >= BYTES_MAX
    }

    /// Notes that the core was sent a request.
    pub fn note_asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that the core has answered requests, before their answers are pushed.
    pub fn note_answered(&self, requests: usize) {
        self.asked.fetch_sub(requests, Ordering::Relaxed);
    }

    /// Whether the core has so many requests of the connection that no further one should be read.
    pub fn asks_too_much(&self) -> bool {
        self.asked.load(Ordering::Relaxed) >= ASKED_MAX
    }

    /// Notes what was written to the socket.
    pub fn set_written(&self, seq: Seq) {
        self.written.fetch_max(seq.get(), Ordering::Release);
    }

    /// Everything addressed to the connection up to here was written to its socket.
    pub fn written(&self) -> Seq {
        Seq::new(self.written.load(Ordering::Acquire)).unwrap_or(Seq::MAX)
    }

    /// Records that the peer sent a close frame: it left on purpose.
    pub fn note_goodbye(&self) {
        self.has_goodbye.store(true, Ordering::Release);
    }

    /// Whether the peer sent a close frame. Without one its process died or its network broke.
    pub fn has_goodbye(&self) -> bool {
        self.has_goodbye.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere while the lock was held leaves a list of frames, which is valid.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
