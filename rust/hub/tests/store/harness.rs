//! A log in a folder of its own, and short ways to write to it and read it.

use std::path::{Path, PathBuf};

use orochi_hub::store::{Appended, Loaded, NewMessage, Reader, Reads, Search, Store, StoreError, StoredMessage};
use orochi_protocol::request::HistoryFilter;
use orochi_protocol::{Seq, Timestamp};
use tempfile::TempDir;

/// The time of a message at `seq`: a second each.
pub fn time(seq: u64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(seq).unwrap() * 1_000_000)
}

pub fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

/// A message whose id is its seq.
pub fn message<'a>(n: u64, id: &'a str, content: &'a str) -> NewMessage<'a> {
    NewMessage {
        seq: seq(n),
        id,
        ts: time(n),
        channel: "#c",
        sender: "alice",
        content,
        mentions: "[]",
        metadata: "{}",
        reply_to: None,
        extra: None,
        addressed: &[],
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

    /// The names of all files in the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Appends messages in one transaction, each with its seq as its id.
pub fn append(store: &mut Store, contents: std::ops::RangeInclusive<u64>) -> Result<(), StoreError> {
    let mut batch = store.begin()?;
    for n in contents {
        let (id, content) = (format!("i-{n}"), format!("message {n}"));
        assert_eq!(batch.append(&message(n, &id, &content))?, Appended::New);
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
pub fn all(db: &Path) -> Vec<StoredMessage> {
    read(db, Seq::ZERO, |reader| reader.recent(100_000))
}

/// The seqs of a channel's history, newest first.
pub fn history(db: &Path, legacy_head: Seq, channel: &str, filter: HistoryFilter) -> Vec<u64> {
    let channel = channel.to_owned();
    let rows = read(db, legacy_head, move |reader| reader.history(&channel, &filter));
    rows.iter().map(|row| row.seq.get()).collect()
}

/// The seqs that a search finds, as one of `agent`'s sides where it is given.
pub fn search(db: &Path, text: &str, agent: Option<&str>) -> Vec<u64> {
    let search = Search {
        text: text.to_owned(),
        channel: None,
        sender: None,
        since: None,
        until: None,
        agent: agent.map(ToOwned::to_owned),
        limit: 100,
    };
    let hits = read(db, Seq::ZERO, move |reader| reader.search(&search));
    hits.iter().map(|(row, _)| row.seq.get()).collect()
}
