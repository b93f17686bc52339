//! A fixed piece of work for counting instructions (bench/instructions): one sender's frames are parsed, taken by the
//! core, written to a log, and handed to twenty receivers, one message a commit, so that each run does the same.

#![expect(clippy::unwrap_used, reason = "it ends where it can't go on")]

use std::sync::Arc;

use orochi_hub::parts::core::{self, AgentAction, Command, Core};
use orochi_hub::parts::outbox::Outbox;
use orochi_hub::parts::store::{Reads, Store};
use orochi_protocol::AgentName;
use orochi_protocol::request::{self, Register, Request};
use tokio::sync::oneshot;

const RECEIVERS: usize = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let messages: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).expect("how many messages");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orochi.db");
    let (store, loaded) = Store::open(&path).unwrap();
    let reads = Reads::open(&path, 1, loaded.legacy_head).unwrap();
    let (core, thread) = core::start(store, loaded, reads).unwrap();
    let mut outboxes = Vec::new();
    for index in 0..=RECEIVERS {
        outboxes.push(register(&core, index).await);
    }
    let sender = outboxes[0].0;
    let mut taken = Vec::new();
    for n in 0..messages {
        let text = format!(
            r##"{{"type":"message","sender":"agent-0","id":"0197a2c4-5b7e-7cc3-98c4-{n:012x}","payload":{{"channel":"#general","content":"step {n} of the build is green, @agent-7 takes the next","metadata":{{}}}}}}"##
        );
        let frame = request::parse(&text).unwrap();
        let Request::Message(draft) = frame.request else { panic!("it is a message") };
        let action = AgentAction::Message(draft);
        core.send(Command::Agent { connection: sender, id: frame.id.unwrap(), action }).await.unwrap();
        core.barrier().await.unwrap();
        for (_, outbox) in &outboxes {
            taken.clear();
            outbox.take(&mut taken);
        }
    }
    core.send(Command::Shutdown).await.unwrap();
    thread.join().unwrap();
}

async fn register(core: &Core, index: usize) -> (core::ConnectionId, Arc<Outbox>) {
    let (connection, outbox) = (core.new_connection(), Arc::new(Outbox::default()));
    let (answer, answered) = oneshot::channel();
    let name = AgentName::parse(&format!("agent-{index}")).unwrap();
    let register = Box::<Register>::default();
    let command =
        Command::Register { connection, id: "register".to_owned(), name, register, outbox: outbox.clone(), answer };
    core.send(command).await.unwrap();
    assert!(answered.await.unwrap());
    (connection, outbox)
}
