//! An agent that joins and leaves without end while it has messages to read. The hub stores a bounded amount for it.

use std::sync::Arc;

use futures_util::future::join_all;
use orochi_hub::parts::core::{AgentAction, Command, Core};
use orochi_hub::parts::outbox::{Item, Outbox};
use orochi_protocol::request::{Draft, Register, Resume, Subscribe, Unsubscribe};
use orochi_protocol::{AgentName, ChannelName, Seq, Target};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::frames;
use crate::system::open;

/// More than the number of stays that the hub stores for one connection.
const STAYS: usize = 1100;
/// More messages than the core keeps in memory.
const BEFORE: usize = 6 * 1024 + 1;

async fn post(core: &Core, content: String) {
    let draft = Draft::new(Target::Channel(ChannelName::general()), content.clone()).unwrap();
    core.post(AgentName::parse("alice").unwrap(), content, draft).await.unwrap();
}

#[tokio::test]
async fn joining_and_leaving_without_reading_is_refused_in_the_end_and_harms_nobody() {
    let folder = TempDir::new().unwrap();
    let core = open(&folder);
    // More messages than the core keeps in memory, so a resume before them has to read the log.
    join_all((0..BEFORE).map(|n| post(&core, format!("before-{n}")))).await;
    let (id, outbox) = (core.new_connection(), Arc::new(Outbox::default()));
    let (answer, answered) = oneshot::channel();
    let register = Register { resume: Some(Resume::After(Seq::ZERO)), ..Register::default() };
    let (name, register) = (AgentName::parse("bob").unwrap(), Box::new(register));
    let register = Command::Register { connection: id, id: "r".into(), name, register, outbox: outbox.clone(), answer };
    core.send(register).await.unwrap();
    assert!(answered.await.unwrap());
    for n in 0..STAYS {
        let general = ChannelName::general();
        let joins = AgentAction::Subscribe(Subscribe { channel: general.clone() });
        core.send(Command::Agent { connection: id, id: format!("join-{n}"), action: joins }).await.unwrap();
        // A stay without messages need not be stored, so each one gets a message.
        post(&core, format!("{n}")).await;
        let leaves = AgentAction::Unsubscribe(Unsubscribe { channel: general });
        core.send(Command::Agent { connection: id, id: format!("leave-{n}"), action: leaves }).await.unwrap();
    }
    core.barrier().await.unwrap();
    core.barrier().await.unwrap();
    let mut taken: Vec<Item> = Vec::new();
    outbox.take(&mut taken);
    let frames: Vec<Value> = taken.iter().map(|item| frames::from_hub(item.frame.as_str())).collect();
    let refused: Vec<&Value> = frames.iter().filter(|frame| frame["type"] == "error").collect();
    assert!(!refused.is_empty() && refused.len() < STAYS, "{} refused", refused.len());
    assert_eq!(refused[0]["payload"]["code"], "RATE_LIMITED");
    assert!(refused[0]["payload"]["retry_after"].is_number());
    core.send(Command::Shutdown).await.unwrap();
    core.stopped().await;
}
