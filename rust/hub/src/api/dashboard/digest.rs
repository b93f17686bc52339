//! Counts of recent messages: by time and channel, who wrote to whom, and each agent's newest message.
//!
//! Counting is incremental: each query reads only the messages added since the last one, and one piece further back.
//! The pictures need the last day; an agent's newest message may be older. Nothing is counted between queries, and
//! nothing in the core.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use orochi_protocol::{Seq, Timestamp};

use crate::store::{Glance, Lane, Reader, Reads, StoreError};

/// The name under which direct messages are counted.
pub const DIRECT: &str = "direct";
/// Messages read at once: about a quarter of a second.
const AT_ONCE: u64 = 250_000;
/// Senders whose newest message is kept. A program may post under any number of names, so there is a bound.
const SENDERS_MAX: usize = 10_000;

/// The time to count back from now, in pieces of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The last 60 minutes, the one that has not ended included.
    Hour,
    /// The last 48 half hours, the one that has not ended included.
    Day,
}

impl Window {
    /// The number of pieces.
    pub fn buckets(self) -> usize {
        match self {
            Self::Hour => 60,
            Self::Day => 48,
        }
    }

    /// The length of a piece.
    pub fn bucket_seconds(self) -> i64 {
        match self {
            Self::Hour => 60,
            Self::Day => 30 * 60,
        }
    }

    /// The length of the window, in seconds.
    pub fn seconds(self) -> i64 {
        self.bucket_seconds() * self.buckets() as i64
    }

    /// The start of the first piece. Pieces start on the clock's full minutes, so they stay the same as time goes on.
    pub fn since(self, now: Timestamp) -> Timestamp {
        let last = self.bucket_of(now);
        Timestamp::from_micros((last + 1 - self.buckets() as i64) * self.bucket_seconds() * 1_000_000)
    }

    /// The piece that has this time, counted from 1970.
    pub fn bucket_of(self, ts: Timestamp) -> i64 {
        ts.as_micros().div_euclid(self.bucket_seconds() * 1_000_000)
    }
}

/// The messages of one piece of time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Messages by channel; [`DIRECT`] stands for those between two agents.
    pub channels: HashMap<String, u32>,
    /// The number of messages in which a sender mentioned an agent or wrote to it.
    pub pairs: HashMap<(String, String), u32>,
}

/// The counts; all clones share them.
#[derive(Debug, Clone)]
pub struct Digest {
    counts: Arc<tokio::sync::Mutex<Counts>>,
    at_once: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self::new(AT_ONCE)
    }
}

impl Digest {
    /// Counts at most `at_once` messages in one query. If more have come, it counts anew from the end.
    pub fn new(at_once: u64) -> Self {
        Self { counts: Arc::default(), at_once }
    }

    /// Counts the new messages up to `head` and up to `piece` older ones, and calls `answer` with the counts.
    ///
    /// # Errors
    /// Fails if the disk refuses or `answer` fails.
    pub async fn ask<T: Send + 'static>(
        &self,
        reads: &Reads,
        piece: u64,
        (head, now): (Seq, Timestamp),
        answer: impl FnOnce(&Counts, &Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // Queries that arrive meanwhile wait here, without holding a reader, and then find the work done.
        let mut counts = Arc::clone(&self.counts).lock_owned().await;
        let at_once = self.at_once;
        reads
            .run_in(Lane::Count, move |reader| {
                // The first query reads only what it needs.
                let most = if counts.upto == Seq::ZERO { piece } else { at_once };
                let read = counts.take_in(reader, head, most).and_then(|()| counts.reach_back(reader, now, piece));
                if let Err(error) = read {
                    // Some messages may be counted already, and none may be counted twice.
                    *counts = Counts::default();
                    return Err(error);
                }
                counts.forget(now);
                answer(&counts, reader)
            })
            .await
    }
}

/// The counts so far: of the messages after `from` and up to `upto`.
#[derive(Debug, Default)]
pub struct Counts {
    from: Seq,
    upto: Seq,
    /// The time of the first message of the furthest piece.
    first: Option<Timestamp>,
    hour: BTreeMap<i64, Bucket>,
    day: BTreeMap<i64, Bucket>,
    newest: HashMap<String, Seq>,
}

impl Counts {
    /// A window's pieces that have messages, by [`Window::bucket_of`].
    pub fn buckets(&self, window: Window) -> &BTreeMap<i64, Bucket> {
        match window {
            Window::Hour => &self.hour,
            Window::Day => &self.day,
        }
    }

    /// The time from which all messages are counted: `since`, or a later one while there is more to read.
    pub fn complete_since(&self, since: Timestamp) -> Timestamp {
        self.first.filter(|first| self.from > Seq::ZERO && *first > since).unwrap_or(since)
    }

    /// The newest message of a sender, among those that are counted.
    pub fn newest_of(&self, sender: &str) -> Option<Seq> {
        self.newest.get(sender).copied()
    }

    fn take_in(&mut self, reader: &Reader, head: Seq, most: u64) -> Result<(), StoreError> {
        let last_piece = Seq::new(head.get().saturating_sub(most)).unwrap_or_default();
        if last_piece > self.upto {
            let newest = std::mem::take(&mut self.newest);
            *self = Self { from: last_piece, upto: last_piece, newest, ..Self::default() };
        }
        let (after, mut first) = (self.upto, None);
        reader.glance(after, head, |message| {
            first.get_or_insert(message.ts);
            self.note(message);
            self.count(message);
            ControlFlow::Continue(())
        })?;
        self.upto = self.upto.max(head);
        self.first = self.first.or(first);
        Ok(())
    }

    /// Counts one piece further back, down to the log's beginning: an agent may have been silent for long.
    fn reach_back(&mut self, reader: &Reader, now: Timestamp, piece: u64) -> Result<(), StoreError> {
        if self.from == Seq::ZERO {
            return Ok(());
        }
        let from = Seq::new(self.from.get().saturating_sub(piece)).unwrap_or_default();
        let (since, mut first) = (Window::Day.since(now), None);
        reader.glance(from, self.from, |message| {
            first.get_or_insert(message.ts);
            self.note(message);
            if message.ts >= since {
                self.count(message);
            }
            ControlFlow::Continue(())
        })?;
        self.from = from;
        self.first = first.or(self.first);
        Ok(())
    }

    /// Keeps the newest message of each sender.
    fn note(&mut self, message: &Glance<'_>) {
        if let Some(newest) = self.newest.get_mut(message.sender) {
            *newest = message.seq.max(*newest);
        } else if self.newest.len() < SENDERS_MAX {
            self.newest.insert(message.sender.to_owned(), message.seq);
        }
    }

    fn count(&mut self, message: &Glance<'_>) {
        let partner = message.place.partner(message.sender);
        for window in [Window::Hour, Window::Day] {
            let buckets = match window {
                Window::Hour => &mut self.hour,
                Window::Day => &mut self.day,
            };
            let bucket = buckets.entry(window.bucket_of(message.ts)).or_default();
            let channel = if partner.is_some() { DIRECT } else { message.place.as_str() };
            add(&mut bucket.channels, channel);
            let mut pair = |to: String| *bucket.pairs.entry((message.sender.to_owned(), to)).or_default() += 1;
            match (partner, message.mentions) {
                (Some(partner), _) => pair(partner.to_owned()),
                (None, Some(mentions)) => {
                    // A list that can't be parsed was not written by this hub.
                    let names: Vec<String> = serde_json::from_str(mentions).unwrap_or_default();
                    names.into_iter().for_each(&mut pair);
                }
                (None, None) => {}
            }
        }
    }

    /// Drops what is older than the windows.
    fn forget(&mut self, now: Timestamp) {
        for (window, buckets) in [(Window::Hour, &mut self.hour), (Window::Day, &mut self.day)] {
            *buckets = buckets.split_off(&window.bucket_of(window.since(now)));
        }
    }
}

fn add(counts: &mut HashMap<String, u32>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
