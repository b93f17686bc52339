//! The received frames that are not consumed yet.
//!
//! The inbox is bounded. When it is full, the connection's task remembers the last message in it, and fetches the rest
//! from the hub's log when there is room again. So an agent that never listens can continue to send, and a slow one
//! misses nothing.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use orochi_protocol::Seq;
use orochi_protocol::limits::FRAME_BYTES_MAX;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::error::Error;

/// A frame that is not the answer to a request: a message, an event, or something newer than this client.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The whole frame as JSON.
    pub text: Utf8Bytes,
    /// A message's seq; None from a 0.1.0 hub and for events.
    pub seq: Option<Seq>,
    /// The positions of a message's sender, channel and content in `text`.
    pub(crate) plain: Option<[Range<usize>; 3]>,
}

impl Incoming {
    pub(crate) fn new(text: Utf8Bytes, seq: Option<Seq>) -> Self {
        Self { text, seq, plain: None }
    }

    /// A message's sender, channel and content, if they have no escapes in the frame.
    pub fn plain(&self) -> Option<[&str; 3]> {
        let plain = self.plain.as_ref()?;
        Some(plain.each_ref().map(|range| &self.text[range.clone()]))
    }

    /// Stores the positions of a message's parts, so that its reader need not parse it again.
    pub(crate) fn with_places(mut self, parts: [&Cow<'_, str>; 3]) -> Self {
        let start = self.text.as_ptr() as usize;
        let place = |part: &Cow<'_, str>| match part {
            Cow::Borrowed(part) => {
                let from = (part.as_ptr() as usize).checked_sub(start)?;
                (from + part.len() <= self.text.len()).then_some(from..from + part.len())
            }
            Cow::Owned(_) => None,
        };
        if let [Some(sender), Some(channel), Some(content)] = parts.map(place) {
            self.plain = Some([sender, channel, content]);
        }
        self
    }
}

type Waker = Box<dyn Fn() + Send + Sync>;

/// Received frames in their order.
pub struct Inbox {
    frames_max: usize,
    bytes_max: usize,
    // A std mutex: held for moves between lists, never across an await.
    inner: Mutex<Inner>,
    /// Wakes consumers that wait for a frame.
    filled: Notify,
    /// Wakes the connection's task when a full inbox has room again.
    pub(crate) drained: Notify,
}

#[derive(Default)]
struct Inner {
    frames: VecDeque<Incoming>,
    bytes: usize,
    is_closed: bool,
    end: Option<Error>,
    waker: Option<Waker>,
}

impl Inbox {
    /// Creates an empty inbox with these bounds.
    pub(crate) fn new(frames_max: usize, bytes_max: usize) -> Self {
        // With a lower bound, a large frame could never be added.
        let bytes_max = bytes_max.max(FRAME_BYTES_MAX * 4);
        Self { frames_max, bytes_max, inner: Mutex::default(), filled: Notify::new(), drained: Notify::new() }
    }

    /// Returns the next frame; None once the inbox is closed and empty. Cancelling loses nothing.
    pub async fn recv(&self) -> Option<Incoming> {
        loop {
            let filled = self.filled.notified();
            {
                let mut inner = self.lock();
                if let Some(frame) = self.pop(&mut inner) {
                    return Some(frame);
                }
                if inner.is_closed {
                    // Other consumers may wait too.
                    self.filled.notify_one();
                    return None;
                }
            }
            filled.await;
        }
    }

    /// Takes at most `max` of the present frames.
    pub fn drain(&self, max: usize) -> Vec<Incoming> {
        let mut inner = self.lock();
        let count = inner.frames.len().min(max);
        let taken: Vec<Incoming> = inner.frames.drain(..count).collect();
        inner.bytes -= taken.iter().map(|frame| frame.text.len()).sum::<usize>();
        self.tell_drained(&inner);
        taken
    }

    /// Returns whether the inbox holds no frame now.
    pub fn is_empty(&self) -> bool {
        self.lock().frames.is_empty()
    }

    /// Returns whether the inbox is closed. Frames in it can still be consumed.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// The reason why the inbox closed; None after a normal close or while it is open.
    pub fn end(&self) -> Option<Error> {
        self.lock().end.clone()
    }

    /// Sets a function that is called, from any thread, when the inbox becomes non-empty or closed. It must not block.
    pub fn set_waker(&self, waker: Option<Waker>) {
        let mut inner = self.lock();
        inner.waker = waker;
        if !inner.frames.is_empty() || inner.is_closed {
            wake(&inner);
        }
    }

    /// Adds a frame. Returns false, and does not add it, if the inbox is full.
    pub(crate) fn push(&self, frame: Incoming) -> bool {
        let mut inner = self.lock();
        if inner.frames.len() >= self.frames_max || inner.bytes + frame.text.len() > self.bytes_max {
            return false;
        }
        inner.bytes += frame.text.len();
        inner.frames.push_back(frame);
        if inner.frames.len() == 1 {
            wake(&inner);
        }
        drop(inner);
        self.filled.notify_one();
        true
    }

    /// Returns whether at least half of the inbox is free.
    pub(crate) fn has_room(&self) -> bool {
        self.half_empty(&self.lock())
    }

    /// Closes the inbox; no frame follows.
    pub(crate) fn close(&self, end: Option<Error>) {
        let mut inner = self.lock();
        if !inner.is_closed {
            inner.is_closed = true;
            inner.end = end;
            wake(&inner);
        }
        drop(inner);
        self.filled.notify_one();
    }

    fn pop(&self, inner: &mut Inner) -> Option<Incoming> {
        let frame = inner.frames.pop_front()?;
        inner.bytes -= frame.text.len();
        self.tell_drained(inner);
        Some(frame)
    }

    fn tell_drained(&self, inner: &Inner) {
        if self.half_empty(inner) {
            self.drained.notify_one();
        }
    }

    fn half_empty(&self, inner: &Inner) -> bool {
        inner.frames.len() <= self.frames_max / 2 && inner.bytes <= self.bytes_max / 2
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere while the lock was held leaves a valid list of frames.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(inner: &Inner) {
    if let Some(waker) = &inner.waker {
        waker();
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inner = self.lock();
        f.debug_struct("Inbox").field("frames", &inner.frames.len()).field("is_closed", &inner.is_closed).finish()
    }
}
