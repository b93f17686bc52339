//! Passes answers and changes of the connection to the event loop.
//!
//! The connection's thread only adds to a list and writes a byte into a socket pair. The event loop watches the pair,
//! and creates Python objects for everything in the list, on its own thread.

use std::collections::HashSet;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use orochi_client::{Answer, Answers, Error, State};

/// The ticket of the connect; requests count from 1.
pub(crate) const CONNECT: u64 = 0;

#[expect(clippy::large_enum_variant, reason = "almost all events are answers: a box for each would cost an allocation")]
pub(crate) enum Event {
    /// The connect succeeded.
    Connected,
    /// A request was answered, or the connect failed.
    Answered(u64, Result<Answer, Error>),
    /// The state of the connection changed.
    State(State),
}

pub(crate) struct Events {
    inner: Mutex<Inner>,
    /// True from the written byte until the event loop reads it, so that many events cause one wake-up.
    is_signalled: AtomicBool,
    /// The number of tickets in `Inner::unwanted`. It is nearly always 0, which is checked without a lock.
    unwanted: AtomicUsize,
    writer: UnixStream,
}

#[derive(Default)]
struct Inner {
    events: Vec<Event>,
    unwanted: HashSet<u64>,
}

impl Events {
    /// Creates an empty list, and the end of the pair that becomes readable when something is added.
    pub(crate) fn new() -> io::Result<(Self, UnixStream)> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        let events = Self {
            inner: Mutex::default(),
            is_signalled: AtomicBool::new(false),
            unwanted: AtomicUsize::new(0),
            writer,
        };
        Ok((events, reader))
    }

    pub(crate) fn push(&self, event: Event) {
        self.lock().events.push(event);
        self.signal();
    }

    /// Wakes the event loop.
    pub(crate) fn signal(&self) {
        if !self.is_signalled.swap(true, Ordering::SeqCst) {
            // A full pair is already readable; without a reader there is nobody to wake.
            let _ = (&self.writer).write(&[0]);
        }
    }

    /// Takes all events. Later ones cause a new wake-up.
    pub(crate) fn take(&self) -> Vec<Event> {
        self.is_signalled.store(false, Ordering::SeqCst);
        std::mem::take(&mut self.lock().events)
    }

    /// Cancels a request: its answer is no longer wanted.
    pub(crate) fn give_up(&self, ticket: u64) {
        let mut inner = self.lock();
        let before = inner.events.len();
        inner.events.retain(|event| !matches!(event, Event::Answered(answered, _) if *answered == ticket));
        if inner.events.len() == before {
            inner.unwanted.insert(ticket);
            self.unwanted.store(inner.unwanted.len(), Ordering::SeqCst);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere while the lock was held leaves valid lists.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers for Events {
    fn answer(&self, ticket: u64, result: Result<Answer, Error>) {
        let mut inner = self.lock();
        if inner.unwanted.remove(&ticket) {
            self.unwanted.store(inner.unwanted.len(), Ordering::SeqCst);
            return;
        }
        inner.events.push(Event::Answered(ticket, result));
        drop(inner);
        self.signal();
    }

    fn is_wanted(&self, ticket: u64) -> bool {
        self.unwanted.load(Ordering::SeqCst) == 0 || !self.lock().unwanted.contains(&ticket)
    }
}
