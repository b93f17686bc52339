//! Search: an index beside the log, derived from it and written after each commit, so that no commit waits for it.
//!
//! - [`units`]: a text as words and characters. [`tokens`]: these as the index stores them.
//! - [`query`]: parses the search text. [`matching`]: compares a text with a query. [`snippet`]: the part of a text to
//!   show.
//! - [`mod@file`]: the index's file. [`filter`]: shows which of its segments may have a token. [`indexer`]: the thread
//!   that writes it. [`find`]: a page of hits.
//!
//! The index only proposes candidates. Each is checked against its message in the log, and the newest messages, which
//! the index may not have yet, are read directly. So a search sees everything that was acked before it.

pub mod file;
mod filter;
mod find;
mod indexer;
mod matching;
mod query;
mod snippet;
mod tokens;
mod units;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use orochi_protocol::Seq;
use tokio::sync::watch;

pub use find::{Cursor, Found, Hit, Order, Request};
pub use query::Query;

use crate::store::{Lane, Reader, Reads, StoreError};
use file::{IndexError, Snapshot};
use find::{FindError, Finder};

/// Messages in one transaction of the index.
const INDEX_BATCH: usize = 4096;
/// The newest messages that a search may read directly because the index does not have them yet: about 3 ms.
const UNINDEXED_MAX: u64 = 1000;
/// The longest wait of a search until the index is near the head.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The longest wait of a stopping hub for the thread's last batch.
const STOP_MAX: Duration = Duration::from_secs(1);
/// Readers of the index that stay open.
const IDLE_READERS: usize = 2;

/// A handle to the search. Clones share its state.
#[derive(Debug, Clone)]
pub struct Search {
    shared: Arc<Shared>,
}

/// The progress of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The newest message in the index.
    pub indexed_up_to: Seq,
    /// The newest message of the log.
    pub head: Seq,
}

impl Reach {
    /// Returns whether a search covers the whole log.
    pub fn is_complete(self) -> bool {
        self.head.get().saturating_sub(self.indexed_up_to.get()) <= UNINDEXED_MAX
    }
}

/// State shared by the handles, the core and the index's thread.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    epoch: String,
    /// The committed head, written by the core.
    head: Arc<AtomicU64>,
    /// The newest indexed message, for waiting searches; None until the file is open.
    reached: watch::Sender<Option<Seq>>,
    /// The number of files opened so far. Readers of an earlier file are not used again.
    generation: AtomicU64,
    /// Unused readers. A std mutex: it is held to add or remove one.
    idle: Mutex<Vec<(u64, file::Reader)>>,
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

impl Search {
    /// Starts the thread that indexes the log of `reads`.
    ///
    /// # Errors
    /// Fails if the system can't start a thread.
    pub fn start(reads: &Reads, epoch: &str, head: Arc<AtomicU64>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            path: file::path_beside(reads.path()),
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
        });
        indexer::start(Arc::clone(&shared), reads.clone())?;
        Ok(Self { shared })
    }

    /// Notifies the thread of new messages. This costs the core a load and, once for each sleep, a wake-up.
    pub fn committed(&self, head: Seq) {
        // The caller stored the head before. The thread stores its flag and then loads the head.
        fence(Ordering::SeqCst);
        let behind = head.get().saturating_sub(self.shared.indexed_up_to().get());
        if behind >= INDEX_BATCH as u64 || self.shared.is_idle.load(Ordering::Relaxed) {
            self.shared.call();
        }
    }

    /// The progress of the index.
    pub fn reach(&self) -> Reach {
        Reach { indexed_up_to: self.shared.indexed_up_to(), head: self.shared.head() }
    }

    /// Finds a page of hits. It covers everything committed before the call, or says how far it reached.
    ///
    /// # Errors
    /// Fails if the log can't be read.
    pub async fn find(&self, reads: &Reads, request: Request) -> Result<Found, StoreError> {
        let head = self.shared.head();
        self.come_near(head).await;
        let shared = Arc::clone(&self.shared);
        reads.run_in(Lane::Search, move |reader| shared.find(reader, &request, head)).await
    }

    /// Ends the thread and waits a moment until it has closed its file. The next start indexes the rest.
    pub fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        self.shared.call();
        let has_ended = self.shared.has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        // A hanging disk must not keep the hub from stopping. The next start checks the file.
        drop(self.shared.ended.wait_timeout_while(has_ended, STOP_MAX, |has_ended| !*has_ended));
    }

    /// Waits until the messages missing in the index are few enough to be read directly.
    async fn come_near(&self, head: Seq) {
        let near = head.get().saturating_sub(UNINDEXED_MAX);
        let is_near = |reached: &Option<Seq>| reached.is_some_and(|reached| reached.get() >= near);
        let mut reached = self.shared.reached.subscribe();
        if is_near(&reached.borrow()) {
            return;
        }
        self.shared.call();
        // If the time is not enough, the answer says how far the search reached.
        let _ = tokio::time::timeout(WAIT_MAX, reached.wait_for(is_near)).await;
    }
}

impl Shared {
    fn find(&self, reader: &Reader, request: &Request, head: Seq) -> Result<Found, StoreError> {
        let generation = self.generation.load(Ordering::Acquire);
        let found = match self.take_reader(generation) {
            Ok(index) => {
                let found = index.snapshot(|snapshot| page(reader, snapshot, request, head));
                if found.is_ok() {
                    self.put_back(generation, index);
                }
                found
            }
            Err(error) => Err(error.into()),
        };
        match found {
            Ok(found) => Ok(found),
            Err(FindError::Log(error)) => Err(error),
            Err(FindError::Index(error)) => self.find_without_index(reader, request, head, &error),
        }
    }

    /// Searches the log alone if it is short. Otherwise finds nothing, and the answer says so.
    fn find_without_index(
        &self,
        reader: &Reader,
        request: &Request,
        head: Seq,
        error: &IndexError,
    ) -> Result<Found, StoreError> {
        tracing::warn!(%error, "the search index can't be read");
        if matches!(error, IndexError::Damaged(_)) {
            self.is_damaged.store(true, Ordering::Release);
            self.call();
        }
        match page(reader, &Snapshot::empty(), request, head) {
            Ok(found) => Ok(found),
            Err(FindError::Log(error)) => Err(error),
            // This can't happen: an empty index is not read.
            Err(FindError::Index(_)) => Ok(Found { indexed_up_to: Some(Seq::ZERO), ..Found::default() }),
        }
    }

    fn take_reader(&self, generation: u64) -> Result<file::Reader, IndexError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(of, _)| *of == generation);
        let taken = idle.pop();
        drop(idle);
        taken.map_or_else(|| file::Reader::open(&self.path), |(_, reader)| Ok(reader))
    }

    fn put_back(&self, generation: u64, reader: file::Reader) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push((generation, reader));
        }
    }

    fn head(&self) -> Seq {
        Seq::new(self.head.load(Ordering::Acquire)).unwrap_or(Seq::MAX)
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Returns whether a reader found the file damaged since the last call.
    fn take_damage(&self) -> bool {
        self.is_damaged.swap(false, Ordering::AcqRel)
    }

    /// Notes that a file was opened whose newest message is `seq`.
    fn opened(&self, seq: Seq) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.reached.send_replace(Some(seq));
    }

    fn indexed_up_to(&self) -> Seq {
        self.reached.borrow().unwrap_or(Seq::ZERO)
    }

    fn ended(&self) {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.notify_all();
    }

    fn closed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.reached.send_replace(None);
    }

    fn reached(&self, seq: Seq) {
        self.reached.send_replace(Some(seq));
    }

    /// Wakes the thread.
    fn call(&self) {
        let mut is_wanted = self.is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *is_wanted, true) {
            self.wake.notify_one();
        }
    }

    /// Waits for messages: first a moment, to gather more, then until there is one.
    fn wait_for_messages(&self, gather: Duration) {
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
    fn sleep(&self, duration: Duration) {
        let is_wanted = self.is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(is_wanted, duration, |is_wanted| !*is_wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

/// Finds a page up to `head`, or as far as the index reaches.
fn page(reader: &Reader, index: &Snapshot<'_>, request: &Request, head: Seq) -> Result<Found, FindError> {
    let is_complete = Reach { indexed_up_to: index.indexed_up_to, head }.is_complete();
    let upto = if is_complete { head } else { index.indexed_up_to };
    let mut found = Finder::new(reader, index, request, upto).page()?;
    found.indexed_up_to = (!is_complete).then_some(upto);
    Ok(found)
}
