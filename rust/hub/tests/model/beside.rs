//! Batches that are committed beside the core, one after the other: entries ordered after a batch that the disk
//! refuses, and messages that repeat one of a running batch.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use orochi_hub::parts::core::{Accepted, Command, Core, Writing};
use orochi_hub::parts::outbox::{Item, Outbox};
use orochi_protocol::request::{Draft, Register};
use orochi_protocol::{AgentName, ChannelName, ErrorCode, Refusal, Seq, Target};
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::system::open_writing;

/// Refuses each message whose text begins with `refuse`.
const REFUSE: &str = "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.content LIKE 'refuse%'
    BEGIN SELECT RAISE(ABORT, 'no'); END";

/// Refuses about one message in two thousand, with its whole batch.
const REFUSE_SOME: &str = "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN random() % 2000 = 0
    BEGIN SELECT RAISE(ABORT, 'no'); END";

struct Beside {
    folder: TempDir,
    core: Core,
}

impl Beside {
    fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let core = open_writing(&folder, Writing::AlwaysBeside);
        Self { folder, core }
    }

    fn disk(&self) -> Connection {
        Connection::open(self.folder.path().join("orochi.db")).unwrap()
    }

    /// Sends a post and waits until the core has ordered it.
    async fn post(&self, id: &str, content: &str) -> BoxFuture<'static, Result<Accepted, Refusal>> {
        let draft = Draft::new(Target::Channel(ChannelName::general()), content.to_owned()).unwrap();
        let (core, id) = (self.core.clone(), id.to_owned());
        let mut post = async move { core.post(AgentName::parse("alice").unwrap(), id, draft).await }.boxed();
        assert!((&mut post).now_or_never().is_none(), "it was sent, and waits for the disk");
        self.ordered().await;
        post
    }

    async fn register(&self, name: &str) -> oneshot::Receiver<bool> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Register {
            connection: self.core.new_connection(),
            id: "r".to_owned(),
            name: AgentName::parse(name).unwrap(),
            register: Box::new(Register::default()),
            outbox: Arc::default(),
            answer,
        };
        self.core.send(command).await.unwrap();
        self.ordered().await;
        answered
    }

    /// Lookups are answered at the start of a turn. So the second answer comes from a later turn than the entries sent
    /// before.
    async fn ordered(&self) {
        self.core.agents(true).await.unwrap();
        self.core.agents(true).await.unwrap();
    }

    async fn stop(self) -> Vec<(String, i64)> {
        self.core.send(Command::Shutdown).await.unwrap();
        self.core.stopped().await;
        let disk = self.disk();
        let mut agents = disk.prepare("SELECT name, first_head FROM agents ORDER BY name").unwrap();
        agents.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }
}

fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

#[tokio::test]
async fn beside_batch_behind_a_refused_one_begins_where_the_log_ends() {
    let hub = Beside::open();
    let mut disk = hub.disk();
    disk.execute_batch(REFUSE).unwrap();
    let held = disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    // The first batch waits for the disk. The following entries are ordered after it.
    let refused = hub.post("one", "refuse this").await;
    let bob = hub.register("bob").await;
    let kept = hub.post("two", "kept").await;
    held.rollback().unwrap();
    assert_eq!(refused.await.unwrap_err().code, ErrorCode::StoreUnavailable);
    assert_eq!(kept.await.unwrap().seq, seq(1), "no seq was used by the batch before");
    assert!(bob.await.unwrap());
    // Sends the refused message again with other content: its id was never used.
    let held = disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let again = hub.post("one", "kept, too").await;
    let carol = hub.register("carol").await;
    held.rollback().unwrap();
    assert_eq!(again.await.unwrap().seq, seq(2));
    assert!(carol.await.unwrap());
    assert_eq!(hub.core.head(), seq(2));
    assert_eq!(hub.stop().await, [("bob".to_owned(), 0), ("carol".to_owned(), 2)]);
}

#[tokio::test]
async fn beside_records_of_a_refused_batch_go_with_the_next_one() {
    let hub = Beside::open();
    let mut disk = hub.disk();
    disk.execute_batch(REFUSE).unwrap();
    let held = disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let waits = hub.post("wait", "refuse this first").await;
    // One batch with a message before the register, and a message that the disk refuses.
    let before = hub.post("before", "kept, it would be").await;
    let bob = hub.register("bob").await;
    let refused = hub.post("refused", "refuse this").await;
    held.rollback().unwrap();
    for post in [waits, before, refused] {
        assert_eq!(post.await.unwrap_err().code, ErrorCode::StoreUnavailable);
    }
    assert!(bob.await.unwrap(), "agents come and go while the disk refuses");
    let draft = Draft::new(Target::Channel(ChannelName::general()), "hi @bob".to_owned()).unwrap();
    let said = hub.core.post(AgentName::parse("alice").unwrap(), "said".to_owned(), draft).await.unwrap();
    assert_eq!((said.seq, said.delivery.len()), (seq(1), 1));
    let known: i64 = disk.query_row("SELECT first_head FROM agents WHERE name = 'bob'", [], |row| row.get(0)).unwrap();
    assert_eq!(known, 0, "the message before its register is not in the log");
    assert_eq!(hub.stop().await, [("bob".to_owned(), 0)]);
}

#[tokio::test]
async fn beside_repeat_of_a_message_under_way_is_the_same_message() {
    let hub = Beside::open();
    let mut disk = hub.disk();
    let held = disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let first = hub.post("id", "once").await;
    let repeat = hub.post("id", "once").await;
    let other = hub.post("id", "something else").await;
    let next = hub.post("next", "next").await;
    held.rollback().unwrap();
    let (first, repeat) = (first.await.unwrap(), repeat.await.unwrap());
    assert_eq!((first.seq, first.duplicate), (seq(1), false));
    assert_eq!((repeat.seq, repeat.duplicate, repeat.ts), (seq(1), true, first.ts));
    assert_eq!(other.await.unwrap_err().code, ErrorCode::IdReused);
    assert_eq!(next.await.unwrap().seq, seq(2));
    hub.stop().await;
}

#[tokio::test]
async fn beside_stop_finishes_the_batches_under_way() {
    let hub = Beside::open();
    let mut disk = hub.disk();
    let held = disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let posts = [hub.post("one", "one").await, hub.post("two", "two").await, hub.post("three", "three").await];
    hub.core.send(Command::Shutdown).await.unwrap();
    held.rollback().unwrap();
    for (post, expected) in posts.into_iter().zip(1..) {
        assert_eq!(post.await.unwrap().seq, seq(expected));
    }
    hub.core.stopped().await;
}

#[tokio::test]
async fn beside_many_senders_at_once_lose_double_and_reorder_nothing() {
    const SENDERS: usize = 8;
    const EACH: usize = 300;
    let hub = Beside::open();
    // Some batches are refused; their senders send again.
    hub.disk().execute_batch(REFUSE_SOME).unwrap();
    let (answer, answered) = oneshot::channel();
    let outbox = Arc::new(Outbox::default());
    let (connection, name) = (hub.core.new_connection(), AgentName::parse("reader").unwrap());
    let register = Box::new(Register { channels: Some(vec![ChannelName::general()]), ..Register::default() });
    let register = Command::Register { connection, id: "r".to_owned(), name, register, outbox: outbox.clone(), answer };
    hub.core.send(register).await.unwrap();
    assert!(answered.await.unwrap());
    let accepted = join_all((0..SENDERS * EACH).map(|n| {
        let core = hub.core.clone();
        async move {
            let sender = AgentName::parse(&format!("sender-{}", n % SENDERS)).unwrap();
            loop {
                let draft = Draft::new(Target::Channel(ChannelName::general()), format!("{n}")).unwrap();
                match core.post(sender.clone(), format!("id-{n}"), draft).await {
                    Ok(accepted) => return accepted,
                    Err(refusal) => assert_eq!(refusal.code, ErrorCode::StoreUnavailable),
                }
            }
        }
    }));
    let mut acked: Vec<u64> = accepted.await.iter().map(|accepted| accepted.seq.get()).collect();
    acked.sort_unstable();
    let all: Vec<u64> = (1..).take(SENDERS * EACH).collect();
    assert_eq!(acked, all, "each message has a place of its own, and no place is empty");
    hub.core.barrier().await.unwrap();
    hub.core.barrier().await.unwrap();
    let mut items: Vec<Item> = Vec::new();
    outbox.take(&mut items);
    let delivered: Vec<u64> = items.iter().filter_map(|item| item.seq).map(Seq::get).collect();
    assert_eq!(delivered, all, "the reader got each once, in the log's order");
    let stored: i64 =
        hub.disk().query_row("SELECT count(DISTINCT msg_id) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, i64::try_from(all.len()).unwrap());
    hub.stop().await;
}
