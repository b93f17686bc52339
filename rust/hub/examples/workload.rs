//! A fixed piece of work for counting instructions (bench/instructions): senders' frames are parsed, taken by the core,
//! written to a log, and handed to the receivers. Each sender sends one message a round, and a round is one batch, so
//! each run does the same.

#![expect(clippy::unwrap_used, reason = "it ends where it can't go on")]

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use orochi_hub::parts::core::{self, AgentAction, Command, Core};
use orochi_hub::parts::outbox::Outbox;
use orochi_hub::parts::store::{Reads, Store};
use orochi_protocol::request::{self, Register, Request};
use orochi_protocol::{AgentName, ChannelName};
use tokio::sync::oneshot;

/// A connection's number, and its outbox.
type Connected = (core::ConnectionId, Arc<Outbox>);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<usize>().expect("a number"));
    let mut next =
        |name: &str| numbers.next().unwrap_or_else(|| panic!("workload ROUNDS SENDERS RECEIVERS: no {name}"));
    let (rounds, senders, receivers) = (next("rounds"), next("senders"), next("receivers"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orochi.db");
    let (store, loaded) = Store::open(&path).unwrap();
    let reads = Reads::open(&path, 1, loaded.legacy_head).unwrap();
    let (core, thread) = core::start(store, loaded, reads).unwrap();
    let mut connected = Vec::new();
    for index in 0..receivers {
        connected.push(register(&core, &format!("agent-{index}"), "#general").await);
    }
    for index in 0..senders {
        // A sender is in no channel, so that the number of deliveries is that of the receivers.
        connected.push(register(&core, &format!("sender-{index}"), "#elsewhere").await);
    }
    let mut taken = Vec::new();
    for round in 0..rounds {
        let gate = Gate::close(&core).await;
        for sender in 0..senders {
            send(&core, connected[receivers + sender].0, sender, round).await;
        }
        gate.open();
        core.barrier().await.unwrap();
        for (_, outbox) in &connected {
            taken.clear();
            outbox.take(&mut taken);
        }
    }
    core.send(Command::Shutdown).await.unwrap();
    thread.join().unwrap();
}

async fn send(core: &Core, connection: core::ConnectionId, sender: usize, round: usize) {
    let text = format!(
        r##"{{"type":"message","sender":"sender-{sender}","id":"0197a2c4-5b7e-7cc3-{sender:04x}-{round:012x}","payload":{{"channel":"#general","content":"step {round} of the build is green, @agent-0 takes the next","metadata":{{}}}}}}"##
    );
    let frame = request::parse(&text).unwrap();
    let Request::Message(draft) = frame.request else { panic!("it is a message") };
    let action = AgentAction::Message(draft);
    core.send(Command::Agent { connection, id: frame.id.unwrap(), action }).await.unwrap();
}

async fn register(core: &Core, name: &str, channel: &str) -> Connected {
    let (connection, outbox) = (core.new_connection(), Arc::new(Outbox::default()));
    let (answer, answered) = oneshot::channel();
    let register = Register { channels: Some(vec![ChannelName::parse(channel).unwrap()]), ..Register::default() };
    let command = Command::Register {
        connection,
        id: "register".to_owned(),
        name: AgentName::parse(name).unwrap(),
        register: Box::new(register),
        outbox: outbox.clone(),
        answer,
    };
    core.send(command).await.unwrap();
    assert!(answered.await.unwrap());
    (connection, outbox)
}

/// Holds the core's thread. Everything that is sent meanwhile becomes one batch.
struct Gate {
    held: mpsc::Sender<()>,
    /// The answer that the core is giving: it wakes the waiting task, which holds its thread.
    _answer: std::pin::Pin<Box<oneshot::Receiver<()>>>,
}

impl Gate {
    async fn close(core: &Core) -> Self {
        let (held, until) = mpsc::channel();
        let (at_gate, arrived) = mpsc::channel();
        let (answer, answered) = oneshot::channel();
        let mut answered = Box::pin(answered);
        let waker = Waker::from(Arc::new(Holding { at_gate: Mutex::new(at_gate), until: Mutex::new(until) }));
        assert!(answered.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        core.send(Command::Barrier(answer)).await.unwrap();
        arrived.recv().unwrap();
        Self { held, _answer: answered }
    }

    fn open(self) {
        self.held.send(()).unwrap();
    }
}

struct Holding {
    at_gate: Mutex<mpsc::Sender<()>>,
    until: Mutex<mpsc::Receiver<()>>,
}

impl Wake for Holding {
    fn wake(self: Arc<Self>) {
        self.at_gate.lock().unwrap().send(()).unwrap();
        // An error means that the gate was opened and dropped.
        let _ = self.until.lock().unwrap().recv();
    }
}
