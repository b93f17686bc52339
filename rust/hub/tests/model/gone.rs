//! A post is dropped if its client has gone before the core handles it. So is a register whose connection has gone.

use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::FutureExt;
use orochi_hub::parts::core::{Command, Core};
use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, ChannelName, Seq, Target};
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::system::open;

async fn post(core: Core, content: &'static str) {
    let draft = Draft::new(Target::Channel(ChannelName::general()), content.to_owned()).unwrap();
    core.post(AgentName::parse("alice").unwrap(), content.to_owned(), draft).await.unwrap();
}

/// Sends a register, and disappears before the answer.
async fn register(core: &Core, name: &str) {
    let (answer, _) = oneshot::channel();
    let register = Command::Register {
        connection: core.new_connection(),
        id: "r".to_owned(),
        name: AgentName::parse(name).unwrap(),
        register: Box::default(),
        outbox: Arc::default(),
        answer,
    };
    core.send(register).await.unwrap();
}

#[tokio::test]
async fn gone_askers_requests_are_dropped_before_the_commit() {
    let folder = TempDir::new().unwrap();
    let core = open(&folder);
    let mut slow_disk = Connection::open(folder.path().join("orochi.db")).unwrap();
    let held = slow_disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let mut first = post(core.clone(), "first").boxed();
    assert!((&mut first).now_or_never().is_none(), "it was sent, and waits for the disk");
    // The lookup was sent after the first post, so its answer comes in that post's turn or later.
    core.agents(true).await.unwrap();
    let gone = post(core.clone(), "gone").boxed();
    assert!(gone.now_or_never().is_none(), "it was sent; then its client went");
    register(&core, "gone").await;
    held.rollback().unwrap();
    first.await;
    post(core.clone(), "last").await;
    assert_eq!(core.agents(true).await.unwrap(), [], "the connection of the register had gone");
    let mut contents = Vec::new();
    let read = core.reads().run(move |reader| {
        reader.scan(Seq::ZERO, Seq::MAX, |message| {
            contents.push(message.content.clone());
            ControlFlow::Continue(())
        })?;
        Ok(contents)
    });
    assert_eq!(read.await.unwrap(), ["first", "last"]);
    core.send(Command::Shutdown).await.unwrap();
    core.stopped().await;
}
