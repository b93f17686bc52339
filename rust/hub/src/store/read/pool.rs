//! The readers of the log: read-only connections, each used on a blocking thread, so that neither the core nor a socket
//! waits for a read. With WAL they read while the writer writes.
//!
//! A read keeps its permit until it has ended, even if its caller is gone, so there are never more threads and
//! connections than permits. It is interrupted at its deadline or when its caller is gone.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orochi_protocol::Seq;
use orochi_protocol::request::HistoryFilter;
use rusqlite::ErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::Reader;
use crate::store::{LogFiles, StoreError};

/// The deadline of one read. A page of the log takes milliseconds; only a search for common words in a very large log
/// comes near.
const READ_MAX: Duration = Duration::from_secs(10);
/// Searches that may wait for a permit. Each waits at most [`READ_MAX`].
const SEARCHES_WAITING_MAX: usize = 64;
/// The longest wait of a page and of a search while reads are paused. Then it runs anyway.
const QUICK_PAUSE_MAX: Duration = Duration::from_secs(1);
const SEARCH_PAUSE_MAX: Duration = Duration::from_secs(15);
/// SQLite steps between two checks for an interruption: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 1000;

/// Reads of one kind. They wait only for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Reads by seq: pages and single messages. Agents that catch up wait for these.
    Quick,
    /// Reads that may scan the whole log: words, or one sender's messages.
    Search,
    /// Counting for statistics. Its result serves later queries, so it continues when its caller is gone.
    Count,
}

impl Lane {
    /// The lane of a history query.
    pub fn for_history(filter: &HistoryFilter) -> Self {
        if filter.search.is_some() || filter.sender.is_some() { Self::Search } else { Self::Quick }
    }
}

/// The reads that have to wait: none, all but the quick ones, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pause {
    None,
    Slow,
    All,
}

/// The log's readers. Clones share the pool.
#[derive(Debug, Clone)]
pub struct Reads {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    files: LogFiles,
    legacy_head: Seq,
    read_max: Duration,
    quick: Permits,
    search: Permits,
    count: Permits,
    pause: watch::Sender<Pause>,
    is_stopping: Arc<AtomicBool>,
}

/// The permits of one lane.
#[derive(Debug)]
struct Permits {
    count: usize,
    free: Arc<Semaphore>,
    /// Permits for waiting; None if any number of reads may wait.
    queue: Option<Arc<Semaphore>>,
    /// Unused readers, never more than permits. A std mutex: it is held to add or remove one.
    idle: Mutex<Vec<Reader>>,
}

impl Permits {
    fn new(count: usize, queue: Option<usize>) -> Self {
        let queue = queue.map(|waiting| Arc::new(Semaphore::new(count + waiting)));
        Self { count, free: Arc::new(Semaphore::new(count)), queue, idle: Mutex::default() }
    }

    fn take(&self) -> Option<Reader> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_back(&self, reader: Reader) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    }

    /// Waits until no read is running.
    async fn are_free(&self) {
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        // This can't fail: the semaphore is never closed.
        drop(self.free.acquire_many(all).await);
    }
}

/// Tells a read that its caller is gone, when dropped.
struct HangUp(Arc<AtomicBool>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Ends the pause when dropped.
#[derive(Debug)]
pub struct Paused(Reads);

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.pool.pause.send_replace(Pause::None);
    }
}

impl Reads {
    /// Creates the readers of the log at `path`: at most `count` for pages and as many for searches. Each one is opened
    /// at its first use.
    ///
    /// # Errors
    /// Fails if the log can't be opened.
    pub fn open(path: &Path, count: usize, legacy_head: Seq) -> Result<Self, StoreError> {
        Self::open_with(path, count, legacy_head, READ_MAX)
    }

    /// Does the same with another deadline for reads.
    ///
    /// # Errors
    /// As [`Reads::open`].
    pub fn open_with(path: &Path, count: usize, legacy_head: Seq, read_max: Duration) -> Result<Self, StoreError> {
        let quick = Permits::new(count, None);
        // Only a check that a reader can be opened; it is closed again so that an empty hub stays small.
        drop(Reader::open(path, legacy_head)?);
        let pool = Pool {
            path: path.to_owned(),
            files: LogFiles::of_open(path)?,
            legacy_head,
            read_max,
            quick,
            search: Permits::new(count, Some(SEARCHES_WAITING_MAX)),
            count: Permits::new(1, None),
            pause: watch::Sender::new(Pause::None),
            is_stopping: Arc::default(),
        };
        Ok(Self { pool: Arc::new(pool) })
    }

    pub fn files(&self) -> &LogFiles {
        &self.pool.files
    }

    pub fn path(&self) -> &Path {
        &self.pool.path
    }

    /// Opens a reader outside the pool, for a thread of its own.
    ///
    /// # Errors
    /// Fails if it can't be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.pool.path, self.pool.legacy_head)
    }

    /// Runs a quick `read` on a blocking thread. Waits while all readers are in use.
    ///
    /// # Errors
    /// As [`Reads::run_in`].
    pub async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.run_in(Lane::Quick, read).await
    }

    /// Runs `read` in its lane. Dropping this future interrupts the read.
    ///
    /// # Errors
    /// Errors of `read`. Also fails if a reader can't be opened, the read takes too long, or too many searches wait.
    pub async fn run_in<T, F>(&self, lane: Lane, read: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.pool.wait_for_pause(lane).await;
        let permit = self.pool.permit(lane).await?;
        let gone = Arc::new(AtomicBool::new(false));
        let hang_up = (lane != Lane::Count).then(|| HangUp(Arc::clone(&gone)));
        let pool = Arc::clone(&self.pool);
        // The permit moves to the thread: it is free when the read has ended, not when its caller is gone.
        let ran = tokio::task::spawn_blocking(move || pool.read(lane, permit, gone, read));
        let result = ran.await.map_err(|_| StoreError::ReaderGone)?;
        drop(hang_up);
        result
    }

    /// Pauses reads that may take long, and waits until none is running. Each ends by its deadline.
    pub async fn pause_slow(&self) -> Paused {
        self.pool.pause.send_replace(Pause::Slow);
        let paused = Paused(self.clone());
        self.pool.search.are_free().await;
        self.pool.count.are_free().await;
        paused
    }

    /// Pauses all reads, and waits a short time until none is running.
    pub async fn pause_all(&self, _paused: &Paused) {
        self.pool.pause.send_replace(Pause::All);
        // If a read takes longer, the write-ahead log is not reset this time.
        let _ = timeout(QUICK_PAUSE_MAX, self.pool.quick.are_free()).await;
    }

    /// Interrupts running reads, because the hub is stopping.
    pub fn stop(&self) {
        self.pool.is_stopping.store(true, Ordering::Relaxed);
    }
}

impl Pool {
    fn permits(&self, lane: Lane) -> &Permits {
        match lane {
            Lane::Quick => &self.quick,
            Lane::Search => &self.search,
            Lane::Count => &self.count,
        }
    }

    /// Waits while reads are paused. The wait is bounded, so a fault elsewhere can't stop reading for ever.
    async fn wait_for_pause(&self, lane: Lane) {
        let (stops_at, most) = match lane {
            Lane::Quick => (Pause::All, QUICK_PAUSE_MAX),
            Lane::Search | Lane::Count => (Pause::Slow, SEARCH_PAUSE_MAX),
        };
        if *self.pause.borrow() >= stops_at {
            let mut pause = self.pause.subscribe();
            let _ = timeout(most, pause.wait_for(|pause| *pause < stops_at)).await;
        }
    }

    async fn permit(&self, lane: Lane) -> Result<OwnedSemaphorePermit, StoreError> {
        let permits = self.permits(lane);
        let free = Arc::clone(&permits.free).acquire_owned();
        // The semaphore is never closed, so this error can't occur.
        let Some(queue) = &permits.queue else { return free.await.map_err(|_| StoreError::ReaderGone) };
        let _waiting = Arc::clone(queue).try_acquire_owned().map_err(|_| StoreError::Busy)?;
        match timeout(self.read_max, free).await {
            Ok(permit) => permit.map_err(|_| StoreError::ReaderGone),
            Err(_) => Err(StoreError::Busy),
        }
    }

    fn read<T>(
        &self,
        lane: Lane,
        permit: OwnedSemaphorePermit,
        gone: Arc<AtomicBool>,
        read: impl FnOnce(&Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if gone.load(Ordering::Relaxed) {
            return Err(StoreError::ReaderGone);
        }
        let permits = self.permits(lane);
        let mut reader = match permits.take() {
            Some(reader) => reader,
            None => {
                // The path may name another log by now.
                self.files.check()?;
                Reader::open(&self.path, self.legacy_head)?
            }
        };
        let deadline = Instant::now() + self.read_max;
        let stopping = Arc::clone(&self.is_stopping);
        reader.connection.progress_handler(
            STEPS_BETWEEN_LOOKS,
            Some(move || {
                gone.load(Ordering::Relaxed) || stopping.load(Ordering::Relaxed) || Instant::now() >= deadline
            }),
        )?;
        let result = read(&reader).map_err(|error| self.reason(error));
        reader.connection.progress_handler(0, None::<fn() -> bool>)?;
        permits.put_back(reader);
        // Last, because the reader has to be back before its permit is free.
        drop(permit);
        result
    }

    fn reason(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Disk(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                if self.is_stopping.load(Ordering::Relaxed) {
                    StoreError::ReaderGone
                } else {
                    // After an interruption for a caller that is gone, nobody reads this error.
                    StoreError::Deadline { seconds: self.read_max.as_secs() }
                }
            }
            other => other,
        }
    }
}
