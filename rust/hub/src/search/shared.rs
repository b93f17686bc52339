//! The state that searches, the core and the index's thread share: the progress of the index, idle readers of its file,
//! and the signals that wake and end the thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use orochi_protocol::Seq;
use tokio::sync::watch;

use super::file::{IndexError, Reader};

/// Readers of the index that stay open.
const IDLE_READERS: usize = 2;

/// The shared state. An `Arc` holds it.
#[derive(Debug)]
pub(super) struct Shared {
    pub path: PathBuf,
    pub epoch: String,
    /// The committed head, written by the core.
    head: Arc<AtomicU64>,
    /// The newest indexed message, for waiting searches; None until the file is open.
    reached: watch::Sender<Option<Seq>>,
    /// The number of files opened so far. Readers of an earlier file are not used again.
    generation: AtomicU64,
    /// Unused readers. A std mutex: it is held to add or remove one.
    idle: Mutex<Vec<(u64, Reader)>>,
    /// The thread sleeps without limit until the next message.
    is_idle: AtomicBool,
    /// Somebody woke the thread. A std mutex: the thread is no task.
    is_wanted: Mutex<bool>,
    wake: Condvar,
    /// A reader found the file damaged.
    is_damaged: AtomicBool,
    is_stopping: AtomicBool,
    /// The thread has closed its file.
    has_ended: Mutex<bool>,
    ended: Condvar,
}

impl Shared {
    pub(super) fn new(path: PathBuf, epoch: &str, head: Arc<AtomicU64>) -> Self {
        Self {
            path,
            epoch: epoch.to_owned(),
            head,
            reached: watch::Sender::new(None),
            generation: AtomicU64::new(0),
            idle: Mutex::new(Vec::new()),
            is_idle: AtomicBool::new(false),
            is_wanted: Mutex::new(false),
            wake: Condvar::new(),
            is_damaged: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
            has_ended: Mutex::new(false),
            ended: Condvar::new(),
        }
    }

    pub(super) fn head(&self) -> Seq {
        Seq::new(self.head.load(Ordering::Acquire)).unwrap_or(Seq::MAX)
    }

    /// The newest indexed message; zero while no file is open.
    pub(super) fn indexed_up_to(&self) -> Seq {
        self.reached.borrow().unwrap_or(Seq::ZERO)
    }

    /// Follows the newest indexed message.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Seq>> {
        self.reached.subscribe()
    }
}

/// Idle readers of the file.
impl Shared {
    /// The generation of the open file. A reader is returned with the generation in which it was taken.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn take_reader(&self, generation: u64) -> Result<Reader, IndexError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(of, _)| *of == generation);
        let taken = idle.pop();
        drop(idle);
        taken.map_or_else(|| Reader::open(&self.path), |(_, reader)| Ok(reader))
    }

    pub(super) fn put_back(&self, generation: u64, reader: Reader) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push((generation, reader));
        }
    }

    /// Reports that a reader found the file damaged.
    pub(super) fn report_damage(&self) {
        self.is_damaged.store(true, Ordering::Release);
        self.call();
    }
}

/// The thread's reports.
impl Shared {
    /// Notes that a file was opened whose newest message is `seq`.
    pub(super) fn opened(&self, seq: Seq) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.reached.send_replace(Some(seq));
    }

    pub(super) fn closed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.reached.send_replace(None);
    }

    pub(super) fn reached(&self, seq: Seq) {
        self.reached.send_replace(Some(seq));
    }

    pub(super) fn ended(&self) {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.notify_all();
    }

    /// Returns whether a reader found the file damaged since the last call.
    pub(super) fn take_damage(&self) -> bool {
        self.is_damaged.swap(false, Ordering::AcqRel)
    }
}

/// Waking and ending the thread.
impl Shared {
    /// Returns whether the thread sleeps until the next message.
    pub(super) fn is_idle(&self) -> bool {
        self.is_idle.load(Ordering::Relaxed)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Wakes the thread.
    pub(super) fn call(&self) {
        let mut is_wanted = self.is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *is_wanted, true) {
            self.wake.notify_one();
        }
    }

    /// Ends the thread, and waits until it has closed its file, at most for `wait_max`.
    pub(super) fn stop(&self, wait_max: Duration) {
        self.is_stopping.store(true, Ordering::Release);
        self.call();
        let has_ended = self.has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.ended.wait_timeout_while(has_ended, wait_max, |has_ended| !*has_ended));
    }

    /// Waits for messages: first a moment, to gather more, then until there is one.
    pub(super) fn wait_for_messages(&self, gather: Duration) {
        self.sleep(gather);
        if self.head() > self.indexed_up_to() || self.is_stopping() {
            return;
        }
        self.is_idle.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        // A message committed before the flag was set causes no wake-up, so check once more.
        if self.head() <= self.indexed_up_to() {
            let is_wanted = self.is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
            let woken = self.wake.wait_while(is_wanted, |is_wanted| !*is_wanted);
            *woken.unwrap_or_else(PoisonError::into_inner) = false;
        }
        self.is_idle.store(false, Ordering::SeqCst);
    }

    /// Sleeps for a time, or until woken.
    pub(super) fn sleep(&self, duration: Duration) {
        let is_wanted = self.is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(is_wanted, duration, |is_wanted| !*is_wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}
