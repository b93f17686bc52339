//! A log in its own folder, and helpers to write and read it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use orochi_hub::parts::search::{Query, Request, Search};
use orochi_hub::parts::store::{Appended, Loaded, Message, Place, Reader, Reads, Store, StoreError};
use orochi_protocol::request::HistoryFilter;
use orochi_protocol::{Seq, Timestamp};
use tempfile::TempDir;

/// The time of the message `seq`: one second for each seq.
pub fn time(seq: u64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(seq).unwrap() * 1_000_000)
}

pub fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

/// A message whose id is its seq.
pub fn message(n: u64, id: &str, content: &str) -> Message {
    Message {
        seq: seq(n),
        id: id.to_owned(),
        ts: time(n),
        place: Place::parse("#c"),
        sender: "alice".to_owned(),
        content: content.to_owned(),
        mentions: "[]".to_owned(),
        metadata: "{}".to_owned(),
        reply_to: None,
        extra: None,
    }
}

pub struct Folder(pub TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn db(&self) -> PathBuf {
        self.0.path().join("log.db")
    }

    pub fn open(&self) -> (Store, Loaded) {
        Store::open(&self.db()).unwrap()
    }

    /// The sorted names of all files in the folder.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Appends messages in one transaction. The id of each one is its seq.
pub fn append(store: &mut Store, contents: std::ops::RangeInclusive<u64>) -> Result<(), StoreError> {
    let mut batch = store.begin()?;
    for n in contents {
        let (id, content) = (format!("i-{n}"), format!("message {n}"));
        assert_eq!(batch.append(&message(n, &id, &content), &[])?, Appended::New);
    }
    batch.commit()
}

/// Runs `read` with a reader of the log.
pub fn read<T: Send + 'static>(
    db: &Path,
    legacy_head: Seq,
    read: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let reads = Reads::open(db, 1, legacy_head).unwrap();
    runtime.block_on(reads.run(read)).unwrap()
}

/// The whole log, oldest first.
pub fn all(db: &Path) -> Vec<Message> {
    read(db, Seq::ZERO, |reader| {
        let mut all = Vec::new();
        reader.scan(Seq::ZERO, Seq::MAX, |message| {
            all.push(message.clone());
            ControlFlow::Continue(())
        })?;
        Ok(all)
    })
}

/// The seqs of a channel's history, newest first.
pub fn history(db: &Path, legacy_head: Seq, channel: &str, filter: HistoryFilter) -> Vec<u64> {
    let place = Place::parse(channel);
    let rows = read(db, legacy_head, move |reader| reader.history(&place, &filter));
    rows.iter().map(|row| row.seq.get()).collect()
}

/// The seqs of the messages that a search finds, with direct messages of `agent` if given.
pub fn search(db: &Path, text: &str, agent: Option<&str>) -> Vec<u64> {
    let agent = agent.map(|name| orochi_protocol::AgentName::parse(name).unwrap());
    let request = Request { query: Query::parse("q", text).unwrap(), agent, limit: 100, ..Request::default() };
    let head = all(db).last().map_or(Seq::ZERO, |message| message.seq);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let reads = Reads::open(db, 1, Seq::ZERO).unwrap();
    let search = Search::start(&reads, "the log's", Arc::new(AtomicU64::new(head.get()))).unwrap();
    let found = runtime.block_on(search.find(&reads, request)).unwrap();
    search.stop();
    found.hits.iter().map(|hit| hit.message.seq.get()).collect()
}
