//! Search: an index beside the log, derived from it and written after each commit, so that no commit waits for it.
//!
//! - [`units`]: a text as words and characters. [`tokens`]: these as the index stores them.
//! - [`query`]: parses the search text. [`matching`]: compares a text with a query. [`snippet`]: the part of a text to
//!   show.
//! - [`mod@file`]: the index's file. [`part`]: messages on the way to it. [`filter`]: shows which of its segments may
//!   have a token. [`indexer`]: the thread that writes it. [`shared`]: the state that both share. [`find`]: a page of
//!   hits.
//!
//! The index only proposes candidates. Each is checked against its message in the log, and the newest messages, which
//! the index may not have yet, are read directly. So a search sees everything that was acked before it.

pub(crate) mod file;
mod filter;
mod find;
mod indexer;
mod matching;
mod part;
mod query;
mod shared;
mod snippet;
mod tokens;
mod units;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use orochi_protocol::Seq;

pub(crate) use find::Hit;
pub use find::{Cursor, Found, Order, Request};
pub use query::Query;

use crate::store::{Lane, Reader, Reads, StoreError};
use file::{IndexError, Snapshot};
use find::{FindError, Finder};
use indexer::INDEX_BATCH;
use shared::Shared;

/// The newest messages that a search may read directly because the index does not have them yet: about 3 ms.
const UNINDEXED_MAX: u64 = 1000;
/// The longest wait of a search until the index is near the head.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The longest wait of a stopping hub for the thread's last batch.
const STOP_MAX: Duration = Duration::from_secs(1);

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

impl Search {
    /// Starts the thread that indexes the log of `reads`.
    ///
    /// # Errors
    /// Fails if the system can't start a thread.
    pub fn start(reads: &Reads, epoch: &str, head: Arc<AtomicU64>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(file::path_beside(reads.path()), epoch, head));
        indexer::start(Arc::clone(&shared), reads.clone())?;
        Ok(Self { shared })
    }

    /// Notifies the thread of new messages. This costs the core a load and, once for each sleep, a wake-up.
    pub fn committed(&self, head: Seq) {
        // The caller stored the head before. The thread stores its flag and then loads the head.
        fence(Ordering::SeqCst);
        let behind = head.get().saturating_sub(self.shared.indexed_up_to().get());
        if behind >= INDEX_BATCH as u64 || self.shared.is_idle() {
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
        reads.run_in(Lane::Search, move |reader| find_in(&shared, reader, &request, head)).await
    }

    /// Ends the thread and waits a moment until it has closed its file. The next start indexes the rest.
    pub fn stop(&self) {
        // A hanging disk must not keep the hub from stopping. The next start checks the file.
        self.shared.stop(STOP_MAX);
    }

    /// Waits until the messages missing in the index are few enough to be read directly.
    async fn come_near(&self, head: Seq) {
        let near = head.get().saturating_sub(UNINDEXED_MAX);
        let is_near = |reached: &Option<Seq>| reached.is_some_and(|reached| reached.get() >= near);
        let mut reached = self.shared.subscribe();
        if is_near(&reached.borrow()) {
            return;
        }
        self.shared.call();
        // If the time is not enough, the answer says how far the search reached.
        let _ = tokio::time::timeout(WAIT_MAX, reached.wait_for(is_near)).await;
    }
}

/// Finds a page up to `head`, with an idle reader of the index or a new one.
fn find_in(shared: &Shared, reader: &Reader, request: &Request, head: Seq) -> Result<Found, StoreError> {
    let generation = shared.generation();
    let found = match shared.take_reader(generation) {
        Ok(index) => {
            let found = index.snapshot(|snapshot| page(reader, snapshot, request, head));
            if found.is_ok() {
                shared.put_back(generation, index);
            }
            found
        }
        Err(error) => Err(error.into()),
    };
    match found {
        Ok(found) => Ok(found),
        Err(FindError::Log(error)) => Err(error),
        Err(FindError::Index(error)) => {
            tracing::warn!(%error, "the search index can't be read");
            if matches!(error, IndexError::Damaged(_)) {
                shared.report_damage();
            }
            find_without_index(reader, request, head)
        }
    }
}

/// Searches the log alone if it is short. Otherwise finds nothing, and the answer says so.
fn find_without_index(reader: &Reader, request: &Request, head: Seq) -> Result<Found, StoreError> {
    match page(reader, &Snapshot::empty(), request, head) {
        Ok(found) => Ok(found),
        Err(FindError::Log(error)) => Err(error),
        // This can't happen: an empty index is not read.
        Err(FindError::Index(_)) => Ok(Found { indexed_up_to: Some(Seq::ZERO), ..Found::default() }),
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
