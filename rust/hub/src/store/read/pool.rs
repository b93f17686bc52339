//! The readers of the log: read-only connections, each used on a blocking thread, so that neither the core nor a
//! socket waits for a read. WAL lets them read while the writer writes.
//!
//! A read holds its place until it has ended, whoever has hung up meanwhile, so there are never more threads and
//! connections than places. It is interrupted when nobody waits for it any more, and at its deadline.

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

/// How long one read may take. What a page of the log costs is milliseconds; only a search of common words in a very
/// large log comes near.
const READ_MAX: Duration = Duration::from_secs(10);
/// Searches that may wait for a place. Each waits at most [`READ_MAX`].
const SEARCHES_WAITING_MAX: usize = 64;
/// How long a page of the log or a search waits while reads are paused. Then it is read all the same.
const QUICK_PAUSE_MAX: Duration = Duration::from_secs(1);
const SEARCH_PAUSE_MAX: Duration = Duration::from_secs(15);
/// SQLite's steps between two looks at whether to go on: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 1000;

/// Reads of one kind, which wait only for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What is found by its place in the log: pages, single messages. Agents that catch up wait for these.
    Quick,
    /// What may have to look at the whole log: words, or one sender's messages.
    Search,
    /// Counting, of which a later question uses what an earlier one counted: it goes on when its asker has gone.
    Count,
}

impl Lane {
    /// Where a query for history belongs.
    pub fn for_history(filter: &HistoryFilter) -> Self {
        if filter.search.is_some() || filter.sender.is_some() { Self::Search } else { Self::Quick }
    }
}

/// Which reads wait: none, all but the quick ones, all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pause {
    None,
    Slow,
    All,
}

/// The log's readers; a clone is another handle to the same pool.
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
    quick: Places,
    search: Places,
    count: Places,
    pause: watch::Sender<Pause>,
    is_stopping: Arc<AtomicBool>,
}

/// The places of one lane.
#[derive(Debug)]
struct Places {
    count: usize,
    free: Arc<Semaphore>,
    /// Who waits for a place; None where everybody may.
    queue: Option<Arc<Semaphore>>,
    /// Readers that nobody uses, never more than places. A std mutex: it is held to take one out or put one back.
    idle: Mutex<Vec<Reader>>,
}

impl Places {
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

    /// Waits until no read is under way.
    async fn are_free(&self) {
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        drop(self.free.acquire_many(all).await);
    }
}

/// Tells a read that nobody waits for it any more.
struct HangUp(Arc<AtomicBool>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets reads begin again when it is dropped.
#[derive(Debug)]
pub struct Paused(Reads);

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.pool.pause.send_replace(Pause::None);
    }
}

impl Reads {
    /// The readers of the log at `path`, at most `count` for pages and as many for searches; each is opened when it is
    /// first needed.
    ///
    /// # Errors
    /// Where not even the first can be opened.
    pub fn open(path: &Path, count: usize, legacy_head: Seq) -> Result<Self, StoreError> {
        Self::open_with(path, count, legacy_head, READ_MAX)
    }

    /// The same with another deadline for a read.
    ///
    /// # Errors
    /// As [`Reads::open`].
    pub fn open_with(path: &Path, count: usize, legacy_head: Seq, read_max: Duration) -> Result<Self, StoreError> {
        let quick = Places::new(count, None);
        // Only to see that it can be: an empty hub stays small.
        drop(Reader::open(path, legacy_head)?);
        let pool = Pool {
            path: path.to_owned(),
            files: LogFiles::of_open(path)?,
            legacy_head,
            read_max,
            quick,
            search: Places::new(count, Some(SEARCHES_WAITING_MAX)),
            count: Places::new(1, None),
            pause: watch::Sender::new(Pause::None),
            is_stopping: Arc::default(),
        };
        Ok(Self { pool: Arc::new(pool) })
    }

    /// The log's files.
    pub fn files(&self) -> &LogFiles {
        &self.pool.files
    }

    /// The log's file.
    pub fn path(&self) -> &Path {
        &self.pool.path
    }

    /// A reader outside the places, for a thread of its own.
    ///
    /// # Errors
    /// Where it can't be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.pool.path, self.pool.legacy_head)
    }

    /// Runs a quick `read` with a reader on a blocking thread; waits while all are in use.
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

    /// Runs `read` in its lane. When this future is dropped, the read is interrupted.
    ///
    /// # Errors
    /// Those of `read`; where a reader can't be opened; where it takes too long, or too many searches wait.
    pub async fn run_in<T, F>(&self, lane: Lane, read: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.pool.wait_for_pause(lane).await;
        let place = self.pool.place(lane).await?;
        let gone = Arc::new(AtomicBool::new(false));
        let hang_up = (lane != Lane::Count).then(|| HangUp(Arc::clone(&gone)));
        let pool = Arc::clone(&self.pool);
        // The place goes along: it is free again when the read has ended, not when its asker has gone.
        let ran = tokio::task::spawn_blocking(move || pool.read(lane, place, gone, read));
        let result = ran.await.map_err(|_| StoreError::ReaderGone)?;
        drop(hang_up);
        result
    }

    /// Pauses reads that may take long, and waits until none is under way: each ends by its deadline.
    pub async fn pause_slow(&self) -> Paused {
        self.pool.pause.send_replace(Pause::Slow);
        let paused = Paused(self.clone());
        self.pool.search.are_free().await;
        self.pool.count.are_free().await;
        paused
    }

    /// Pauses all reads, and waits until none is under way, but not for long.
    pub async fn pause_all(&self, _paused: &Paused) {
        self.pool.pause.send_replace(Pause::All);
        // What goes on longer keeps the log from being reset this time.
        let _ = timeout(QUICK_PAUSE_MAX, self.pool.quick.are_free()).await;
    }

    /// Interrupts the reads that are under way: the hub stops.
    pub fn stop(&self) {
        self.pool.is_stopping.store(true, Ordering::Relaxed);
    }
}

impl Pool {
    fn places(&self, lane: Lane) -> &Places {
        match lane {
            Lane::Quick => &self.quick,
            Lane::Search => &self.search,
            Lane::Count => &self.count,
        }
    }

    /// Waits while reads are paused; not for ever, so that no fault of whoever paused them can stop reading.
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

    async fn place(&self, lane: Lane) -> Result<OwnedSemaphorePermit, StoreError> {
        let places = self.places(lane);
        let free = Arc::clone(&places.free).acquire_owned();
        // The semaphore is never closed, so the error can't be; it is answered all the same.
        let Some(queue) = &places.queue else { return free.await.map_err(|_| StoreError::ReaderGone) };
        let _waiting = Arc::clone(queue).try_acquire_owned().map_err(|_| StoreError::Busy)?;
        match timeout(self.read_max, free).await {
            Ok(place) => place.map_err(|_| StoreError::ReaderGone),
            Err(_) => Err(StoreError::Busy),
        }
    }

    fn read<T>(
        &self,
        lane: Lane,
        place: OwnedSemaphorePermit,
        gone: Arc<AtomicBool>,
        read: impl FnOnce(&Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if gone.load(Ordering::Relaxed) {
            return Err(StoreError::ReaderGone);
        }
        let places = self.places(lane);
        let mut reader = match places.take() {
            Some(reader) => reader,
            None => {
                // At this path there may be another log by now.
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
        places.put_back(reader);
        // Last: with the place comes the reader.
        drop(place);
        result
    }

    fn reason(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Disk(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                if self.is_stopping.load(Ordering::Relaxed) {
                    StoreError::ReaderGone
                } else {
                    // Where its asker has gone, nobody reads this.
                    StoreError::Deadline { seconds: self.read_max.as_secs() }
                }
            }
            other => other,
        }
    }
}
