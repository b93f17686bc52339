//! The frames that wait for one connection. The core thread fills it, the connection's task empties it.
//!
//! Messages are bounded: a connection that can't keep up is switched to reading the log itself ([`Feed::Behind`]), so
//! the outbox does not grow with a slow reader. Replies are not bounded here, but a connection reads no further
//! requests while it has too many of them.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orochi_protocol::{CloseCode, Seq};
use tokio::sync::Notify;

use crate::delivery::interest::Interest;
use crate::frame::Frame;

/// Frames that may wait. A batch is at most 2048 messages, so a reader may be four of the largest batches late before
/// it has to read the log, which costs more than memory.
pub const FRAMES_MAX: usize = 8 * 1024;
/// Bytes that may wait; the frames are shared with all other receivers.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Requests of one connection that the core may have at once: room for a client that sends thousands before it reads
/// the first answer, and half of the core's queue.
const ASKED_MAX: usize = 4096;
/// An empty list keeps its allocation up to this many items: there are three lists a connection.
pub const KEPT_ITEMS: usize = 2048;

/// One frame to write.
#[derive(Debug, Clone)]
pub struct Item {
    pub frame: Frame,
    /// The message's seq, if the frame is a message.
    pub seq: Option<Seq>,
}

/// The source of a connection's messages.
#[derive(Debug, Clone)]
pub enum Feed {
    /// The core pushes them.
    Live,
    /// The connection's task reads them from the log, from `position` on.
    Behind {
        /// Everything up to this seq was handed to the connection.
        position: Seq,
        /// The rule for its messages.
        interest: Arc<Interest>,
    },
    /// The connection's task has requested to go live and waits for the core.
    Asked,
}

/// The next step of the connection's task.
#[derive(Debug)]
pub enum Next {
    /// Write the taken frames.
    Write,
    /// Nothing to write: read the log from this position.
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
    /// Everything addressed to the connection up to this seq was written to its socket.
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
    /// Adds replies, and messages if all of them fit; empties `staged`. Returns false if the messages did not fit: then
    /// none was added, and the caller has to switch the feed.
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
    pub fn reply(&self, frame: Frame) {
        self.replies(vec![frame]);
    }

    /// Adds replies that stay together.
    pub fn replies(&self, frames: Vec<Frame>) {
        self.push(&mut frames.into_iter().map(|frame| Item { frame, seq: None }).collect());
    }

    /// Sets the source of messages.
    pub fn set_feed(&self, feed: Feed) {
        self.lock().feed = feed;
        self.wake.notify_one();
    }

    /// Changes the interest of a connection that is behind.
    pub fn set_interest(&self, changed: Arc<Interest>) {
        if let Feed::Behind { interest, .. } = &mut self.lock().feed {
            *interest = changed;
        }
    }

    /// Closes the connection once all waiting frames are written.
    pub fn close(&self, code: CloseCode) {
        self.lock().close.get_or_insert(code);
        self.wake.notify_one();
    }

    /// Waits until there may be something to do.
    pub async fn ready(&self) {
        self.wake.notified().await;
    }

    /// Moves the waiting frames into `taken`, which is empty, and returns the next step.
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

    /// Returns the interest of a connection that is behind; None if it is not behind (any more).
    pub fn interest(&self) -> Option<Arc<Interest>> {
        match &self.lock().feed {
            Feed::Behind { interest, .. } => Some(Arc::clone(interest)),
            Feed::Live | Feed::Asked => None,
        }
    }

    /// Notes that the connection has read the log up to `position`. Returns false if it is not behind any more.
    pub fn advance(&self, position: Seq) -> bool {
        match &mut self.lock().feed {
            Feed::Behind { position: known, .. } => {
                *known = position;
                true
            }
            Feed::Live | Feed::Asked => false,
        }
    }

    /// True if so much waits that no further request should be read.
    pub fn is_full(&self) -> bool {
        let inner = self.lock();
        inner.items.len() >= FRAMES_MAX || inner.bytes >= BYTES_MAX
    }

    /// Notes that a request was sent to the core.
    pub fn note_asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that the core has answered requests, before their answers are pushed.
    pub fn note_answered(&self, requests: usize) {
        self.asked.fetch_sub(requests, Ordering::Relaxed);
    }

    /// True if the core has so many requests of the connection that no further one should be read.
    pub fn asks_too_much(&self) -> bool {
        self.asked.load(Ordering::Relaxed) >= ASKED_MAX
    }

    /// Notes that everything up to `seq` was written to the socket.
    pub fn set_written(&self, seq: Seq) {
        self.written.fetch_max(seq.get(), Ordering::Release);
    }

    /// Everything addressed to the connection up to this seq was written to its socket.
    pub fn written(&self) -> Seq {
        Seq::new(self.written.load(Ordering::Acquire)).unwrap_or(Seq::MAX)
    }

    /// Notes that the peer sent a close frame: it left on purpose.
    pub fn note_goodbye(&self) {
        self.has_goodbye.store(true, Ordering::Release);
    }

    /// True if the peer sent a close frame. Without one, its process died or its network broke.
    pub fn has_goodbye(&self) -> bool {
        self.has_goodbye.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock leaves a list of frames, which is valid.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
