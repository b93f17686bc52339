//! What the connection's thread has for the event loop: answers, and changes of the connection.
//!
//! The thread only adds to a list and writes a byte into a socket pair. The event loop watches the pair, and makes
//! Python objects of all that is in the list, on its own thread.

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
    /// The connect worked.
    Connected,
    /// A request was answered, or the connect failed.
    Answered(u64, Result<Answer, Error>),
    /// The connection is in another state.
    State(State),
}

pub(crate) struct Events {
    inner: Mutex<Inner>,
    /// Set from the byte's being written until the event loop looks: it is woken once for many events.
    is_signalled: AtomicBool,
    /// Tickets in `Inner::unwanted`: nearly always none, which costs no lock to see.
    unwanted: AtomicUsize,
    writer: UnixStream,
}

#[derive(Default)]
struct Inner {
    events: Vec<Event>,
    unwanted: HashSet<u64>,
}

impl Events {
    /// An empty list, and the end of the pair that turns readable when something was added to it.
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

    /// Makes the event loop look.
    pub(crate) fn signal(&self) {
        if !self.is_signalled.swap(true, Ordering::SeqCst) {
            // A full pair is readable already; one whose reader is gone has nobody to wake.
            let _ = (&self.writer).write(&[0]);
        }
    }

    /// Takes all events. What is added from now on is signalled anew.
    pub(crate) fn take(&self) -> Vec<Event> {
        self.is_signalled.store(false, Ordering::SeqCst);
        std::mem::take(&mut self.lock().events)
    }

    /// Gives up a request: its answer is not wanted any more.
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
