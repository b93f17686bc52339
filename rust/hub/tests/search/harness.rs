//! A log with its index, and helpers to fill and search it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use orochi_hub::parts::search::{Found, Query, Request, Search};
use orochi_hub::parts::store::{Message, Place, Reads, Store};
use orochi_protocol::{AgentName, Seq, Timestamp};
use tempfile::TempDir;
use tokio::time::timeout;

/// Longer than anything here takes on a busy machine. No test waits for it to elapse.
pub const DEADLINE: Duration = Duration::from_secs(30);

pub struct Log {
    pub folder: TempDir,
    pub store: Store,
    pub reads: Reads,
    pub search: Search,
    head: Arc<AtomicU64>,
}

/// A message of a test. Its other fields have fixed values.
pub struct Said<'a> {
    pub ts: Timestamp,
    pub channel: &'a str,
    pub sender: &'a str,
    pub content: &'a str,
}

/// A message from alice in `#c`, a second after the previous one.
pub fn said(content: &str) -> Said<'_> {
    Said { ts: Timestamp::from_micros(0), channel: "#c", sender: "alice", content }
}

impl Log {
    pub fn open() -> Self {
        Self::open_in(tempfile::tempdir().unwrap())
    }

    pub fn open_in(folder: TempDir) -> Self {
        let db = folder.path().join("log.db");
        let (store, loaded) = Store::open(&db).unwrap();
        let reads = Reads::open(&db, 2, Seq::ZERO).unwrap();
        let head = Arc::new(AtomicU64::new(loaded.head.get()));
        let search = Search::start(&reads, &loaded.epoch, Arc::clone(&head)).unwrap();
        Self { folder, store, reads, search, head }
    }

    /// Stops and starts again; `between` changes the files in the folder meanwhile.
    pub fn reopen(self, between: impl FnOnce(&Path)) -> Self {
        let Self { folder, store, search, .. } = self;
        search.stop();
        store.close();
        between(folder.path());
        Self::open_in(folder)
    }

    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    pub fn say(&mut self, messages: &[Said<'_>]) {
        let mut batch = self.store.begin().unwrap();
        let mut head = self.head.load(Ordering::Acquire);
        for message in messages {
            head += 1;
            let ts = message.ts.max(Timestamp::from_micros(i64::try_from(head).unwrap() * 1_000_000));
            let new = Message {
                seq: Seq::new(head).unwrap(),
                id: format!("i-{head}"),
                ts,
                place: Place::parse(message.channel),
                sender: message.sender.to_owned(),
                content: message.content.to_owned(),
                mentions: "[]".to_owned(),
                metadata: "{}".to_owned(),
                reply_to: None,
                extra: None,
            };
            batch.append(&new, &[]).unwrap();
        }
        batch.commit().unwrap();
        self.head.store(head, Ordering::Release);
        self.search.committed(Seq::new(head).unwrap());
    }

    pub async fn found(&self, request: Request) -> Found {
        timeout(DEADLINE, self.search.find(&self.reads, request)).await.unwrap().unwrap()
    }

    /// The seqs of the messages that a text finds.
    pub async fn seqs(&self, text: &str) -> Vec<u64> {
        seqs(&self.found(request(text, None)).await)
    }

    /// Waits until all messages are indexed.
    pub async fn indexed(&self) {
        let all = async {
            while self.search.reach().indexed_up_to.get() < self.head() {
                // A search far ahead of the index wakes its thread. There is nothing else to wait for here.
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, all).await.unwrap();
    }
}

pub fn request(text: &str, agent: Option<&str>) -> Request {
    let agent = agent.map(|name| AgentName::parse(name).unwrap());
    Request { query: Query::parse("q", text).unwrap(), agent, limit: 100, ..Request::default() }
}

pub fn seqs(found: &Found) -> Vec<u64> {
    found.hits.iter().map(|hit| hit.message.seq.get()).collect()
}
