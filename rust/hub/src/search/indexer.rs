//! The thread that writes the index. It reads committed messages and adds them in large batches, so that no commit
//! waits for it. It rebuilds an index that is damaged or belongs to another log.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orochi_protocol::Seq;

use super::file::{self, IndexError, Writer};
use super::part::Part;
use super::shared::Shared;
use crate::store::{Reader, Reads, StoreError};

/// Messages in one transaction of the index.
pub(super) const INDEX_BATCH: usize = 4096;
/// The time for which new messages are gathered at a low rate: at most four wake-ups a second.
const GATHER: Duration = Duration::from_millis(250);
/// Waits between tries while the disk refuses.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// The interval between reports of a long catch-up.
const REPORT: Duration = Duration::from_secs(5);
/// Bytes of content in one transaction.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Messages and bytes of content that are read at once: a batch is not held in memory whole, and the log is not kept
/// from a checkpoint while the index is written.
const PART_MESSAGES: usize = 256;
const PART_BYTES: usize = 256 * 1024;

/// The log, with a reader for this thread that is opened at first use.
pub(super) struct Log {
    reads: Reads,
    reader: Option<Reader>,
}

impl Log {
    fn reader(&mut self) -> Result<&Reader, IndexError> {
        if self.reader.is_none() {
            self.reader = Some(self.reads.reader().map_err(read_error)?);
        }
        self.reader.as_ref().ok_or(IndexError::Disk(rusqlite::Error::InvalidQuery))
    }
}

/// Runs until the hub stops.
pub(super) fn run(shared: &Shared, log: &mut Log) {
    let mut retry = RETRY_MIN;
    while !shared.is_stopping() {
        let ended = match open(shared, log) {
            Ok(writer) => follow(shared, log, writer, &mut retry),
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => return,
            Err(IndexError::Damaged(reason)) => set_aside(shared, &reason),
            Err(IndexError::Stale(reason)) => remove(shared, reason),
            Err(IndexError::Disk(error)) => {
                tracing::warn!(%error, retry_seconds = retry.as_secs(), "the search index can't be written; messages \
                    go on, and a search says how far it reaches");
                shared.sleep(retry);
                retry = (retry * 2).min(RETRY_MAX);
            }
        }
    }
}

/// Opens the index and checks that it was made from this log and not from a newer state.
fn open(shared: &Shared, log: &mut Log) -> Result<Writer, IndexError> {
    let writer = Writer::open(&shared.path, &shared.epoch)?;
    let mark = writer.mark();
    if mark.seq > Seq::ZERO {
        let message = log.reader()?.message(mark.seq).map_err(read_error)?;
        if message.is_none_or(|message| message.id != mark.id) {
            return Err(IndexError::Stale("it is newer than the log"));
        }
    }
    shared.opened(mark.seq);
    Ok(writer)
}

/// Adds committed messages until the hub stops.
fn follow(shared: &Shared, log: &mut Log, mut writer: Writer, retry: &mut Duration) -> Result<(), IndexError> {
    let mut progress = Progress::new(writer.mark().seq, shared.head());
    while !shared.is_stopping() {
        if shared.take_damage() {
            return Err(IndexError::Damaged("a search could not read it".to_owned()));
        }
        let (after, head) = (writer.mark().seq, shared.head());
        if after >= head {
            progress.caught_up(head);
            shared.wait_for_messages(GATHER);
            continue;
        }
        let reader = log.reader()?;
        let mut left = Left { messages: INDEX_BATCH, bytes: BATCH_BYTES_MAX };
        writer.add(|after, part| read(reader, after, head, &mut left, part))?;
        if writer.mark().seq == after {
            // The log has a gap up to its head, which logs of 0.1.0 can have.
            shared.reached(head);
            shared.wait_for_messages(GATHER);
            continue;
        }
        *retry = RETRY_MIN;
        shared.reached(writer.mark().seq);
        progress.report(writer.mark().seq, shared.head());
    }
    Ok(())
}

/// The room left in a batch.
struct Left {
    messages: usize,
    bytes: usize,
}

/// Reads the next part of a batch; nothing once the batch is full.
fn read(reader: &Reader, after: Seq, head: Seq, left: &mut Left, part: &mut Part) -> Result<(), IndexError> {
    let (messages_max, bytes_max) = (left.messages.min(PART_MESSAGES), left.bytes.min(PART_BYTES));
    if messages_max == 0 || bytes_max == 0 || after >= head {
        return Ok(());
    }
    let read = reader.scan(after, head, |message| {
        part.push(message);
        let is_full = part.len() >= messages_max || part.content_bytes() >= bytes_max;
        if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    read.map_err(read_error)?;
    left.messages -= part.len();
    left.bytes = left.bytes.saturating_sub(part.content_bytes());
    Ok(())
}

/// Treats an error of the log as temporary: it is not a fault of the index.
fn read_error(error: StoreError) -> IndexError {
    tracing::warn!(%error, "the search index can't read the log");
    IndexError::Disk(rusqlite::Error::InvalidQuery)
}

fn remove(shared: &Shared, reason: &str) {
    shared.closed();
    match file::remove(&shared.path) {
        Ok(()) => tracing::info!(reason, "the search index is rebuilt from the log"),
        Err(error) => cannot_remove(shared, reason, &error),
    }
}

fn set_aside(shared: &Shared, reason: &str) {
    shared.closed();
    match file::set_aside(&shared.path) {
        Ok(aside) => {
            tracing::warn!(reason, aside = %aside.display(), "the search index can't be used; it was set aside \
            and is made anew from the log")
        }
        Err(error) => cannot_remove(shared, reason, &error),
    }
}

fn cannot_remove(shared: &Shared, reason: &str, error: &std::io::Error) {
    let path = shared.path.display();
    tracing::error!(reason, %error, %path, "the search index can't be used, and can't be removed: remove it by hand");
    shared.sleep(RETRY_MAX);
}

/// Reports a long catch-up in the hub's own log.
struct Progress {
    from: Seq,
    is_long: bool,
    reported: Instant,
}

impl Progress {
    fn new(from: Seq, head: Seq) -> Self {
        let mut progress = Self { from, is_long: false, reported: Instant::now() };
        progress.begin(from, head);
        progress
    }

    fn begin(&mut self, at: Seq, head: Seq) {
        if !self.is_long && head.get().saturating_sub(at.get()) > 25 * INDEX_BATCH as u64 {
            (self.from, self.is_long, self.reported) = (at, true, Instant::now());
            tracing::info!(indexed_up_to = %at, head = %head, "the search index follows the log");
        }
    }

    fn report(&mut self, at: Seq, head: Seq) {
        self.begin(at, head);
        if self.is_long && self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            tracing::info!(indexed_up_to = %at, head = %head, "the search index follows the log");
        }
    }

    fn caught_up(&mut self, head: Seq) {
        if std::mem::take(&mut self.is_long) {
            tracing::info!(from = %self.from, head = %head, "the search index has reached the newest message");
        }
    }
}

/// Starts the thread.
///
/// # Errors
/// Fails if the system can't start a thread.
pub(super) fn start(shared: Arc<Shared>, reads: Reads) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name("orochi-search".to_owned()).spawn(move || {
        run(&shared, &mut Log { reads, reader: None });
        shared.ended();
    })
}
