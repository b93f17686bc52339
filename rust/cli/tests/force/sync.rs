//! A disk that takes 30 ms for each sync. Agents that join and leave share one commit in each turn with everybody, so
//! nobody waits for a sync of each of them. The test counts syncs, not seconds; the syncs are slow so that few of them
//! pass while a busy processor delays a request.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use orochi_client::{Client, Options};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::hub::{DEADLINE, HubProcess};
use crate::frames;

/// Agents that connect at once.
const AGENTS: usize = 2500;
/// Messages sent meanwhile.
const SPOKEN: usize = 20;
/// The most syncs until all agents are registered. 2500 agents fill ten turns, and a busy machine may split them into
/// more groups. With one sync for each agent there would be thousands.
const SYNCS_MAX: usize = 250;
/// The most syncs for which one ack may wait in the hub, from reading the message to writing the ack: the running
/// batch, those of the 2500 agents before it, its own, and a checkpoint.
const ACK_SYNCS_MAX: usize = 10;
/// The number of joins and leaves of one restless agent.
const CHANGES: usize = 4000;

/// A hub whose syncs are slow and counted.
struct SlowHub {
    process: HubProcess,
    log: PathBuf,
    /// No sync ends while this file exists.
    stuck: PathBuf,
    _library: TempDir,
}

impl SlowHub {
    fn start() -> Self {
        let library = TempDir::new().expect("a temporary folder");
        let [path, log, stuck] = ["slow_sync.so", "syncs", "stuck"].map(|name| library.path().join(name));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/force/slow_sync.c");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&path).arg(source).status();
        assert!(built.expect("a C compiler, with which Rust links too").success());
        let variables = [("LD_PRELOAD", &path), ("SYNC_LOG", &log), ("SYNC_STUCK", &stuck)];
        let variables = variables.map(|(name, path)| format!("{name}={}", path.display()));
        let wrapper = ["env", &variables[0], &variables[1], &variables[2]];
        let process = HubProcess::start_in(TempDir::new().expect("a temporary folder"), &wrapper);
        let hub = Self { process, log, stuck, _library: library };
        assert!(hub.syncs() > 0, "the library counts the syncs of the hub's start");
        hub
    }

    /// The notes of the library since the hub's start.
    fn noted(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The number of syncs since the hub's start.
    fn syncs(&self) -> usize {
        self.noted().matches('.').count()
    }

    /// Posts this many messages over HTTP, one after the other. Returns the syncs for which each ack waited within the
    /// hub.
    async fn speak(&self, times: usize) -> Vec<usize> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.process.port)).await.expect("the hub is there");
        for n in 0..times {
            let body = json!({"sender": "ci", "channel": "#quiet", "content": "hi", "id": format!("speaker-{n}")});
            let body = body.to_string();
            let head = format!("POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}", body.len());
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.expect("it is open");
            let mut answer = String::new();
            while !answer.contains("speaker-") {
                let mut bytes = [0; 4096];
                let got = timeout(DEADLINE, stream.read(&mut bytes)).await.expect("in time").expect("an answer");
                assert!(got > 0, "the hub closed: {answer}");
                answer.push_str(std::str::from_utf8(&bytes[..got]).expect("text"));
            }
            assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        }
        let noted = self.noted();
        let waited = noted.split('R').skip(1).map(|rest| rest.split('A').next().unwrap_or(rest).matches('.').count());
        waited.collect()
    }
}

async fn register(url: &str, n: usize) -> Client {
    let mut options = Options::new(url, format!("agent-{n}"));
    options.connect_timeout = DEADLINE;
    Client::connect(options).await.expect("every register is accepted")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_is_shared_by_agents_that_register_at_once_and_one_who_speaks_meanwhile() {
    let hub = SlowHub::start();
    let url = hub.process.url();
    let before = hub.syncs();
    let arriving = join_all((0..AGENTS).map(|n| register(&url, n)));
    let both = async { tokio::join!(arriving, hub.speak(SPOKEN)) };
    let (agents, waited) = timeout(2 * DEADLINE, both).await.expect("all are in, all is acked");
    let syncs = hub.syncs() - before;
    assert_eq!(agents.len(), AGENTS);
    assert!(syncs <= SYNCS_MAX, "{syncs} syncs for {AGENTS} registers");
    assert_eq!(waited.len(), SPOKEN);
    println!("{syncs} syncs for {AGENTS} registers; acks waited for {waited:?}");
    assert!(waited.iter().all(|waited| *waited <= ACK_SYNCS_MAX), "acks waited for {waited:?} syncs");
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn next(socket: &mut Socket) -> Value {
    loop {
        let frame = timeout(DEADLINE, socket.next()).await.expect("in time").expect("open").expect("a frame");
        if let Message::Text(text) = frame {
            return frames::from_hub(&text);
        }
    }
}

async fn register_raw(hub: &SlowHub, name: &str) -> Socket {
    let (mut socket, _) = connect_async(hub.process.url()).await.expect("the hub is there");
    let register = json!({"type": "register", "sender": name, "id": "r", "payload": {}});
    socket.send(Message::text(register.to_string())).await.expect("open");
    assert_eq!(next(&mut socket).await["type"], "ack");
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_is_shared_by_an_agent_that_joins_and_leaves_without_end() {
    let hub = SlowHub::start();
    let mut restless = register_raw(&hub, "restless").await;
    let before = hub.syncs();
    for n in 0..CHANGES {
        let kind = if n % 2 == 0 { "subscribe" } else { "unsubscribe" };
        let frame = json!({"type": kind, "id": n.to_string(), "payload": {"channel": "#door"}});
        restless.feed(Message::text(frame.to_string())).await.expect("open");
    }
    restless.flush().await.expect("open");
    let waited = hub.speak(1).await;
    assert!(waited.len() == 1 && waited[0] <= ACK_SYNCS_MAX, "an ack waited for {waited:?} syncs");
    for n in 0..CHANGES {
        let reply = next(&mut restless).await;
        assert_eq!((&reply["type"], &reply["payload"]["ref"]), (&json!("ack"), &json!(n.to_string())));
    }
    let syncs = hub.syncs() - before;
    assert!(syncs <= CHANGES / 8, "{syncs} syncs for {CHANGES} joins and leaves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_that_is_stuck_keeps_nobody_from_leaving_while_another_floods() {
    let hub = SlowHub::start();
    let (mut flood, mut leaving) = (register_raw(&hub, "flood").await, register_raw(&hub, "leaving").await);
    fs::write(&hub.stuck, "").expect("the folder is there");
    let message = json!({"type": "message", "id": "m", "payload": {"channel": "#c", "content": "hi"}});
    flood.send(Message::text(message.to_string())).await.expect("open");
    // The hub reads until its core has no room for another request.
    let unknown = json!({"type": "unknown", "payload": {"text": "x".repeat(1000)}}).to_string();
    while timeout(Duration::from_secs(1), flood.send(Message::text(unknown.as_str()))).await.is_ok() {}
    leaving.close(None).await.expect("open");
    let answered = timeout(DEADLINE / 2, async { while let Some(Ok(_)) = leaving.next().await {} }).await;
    assert!(answered.is_ok(), "the close has no answer");
    fs::remove_file(&hub.stuck).expect("it was written");
    loop {
        let reply = next(&mut flood).await;
        if reply["payload"]["ref"] == "m" {
            assert_eq!(reply["type"], "ack");
            break;
        }
    }
    let (mut other, _) = connect_async(hub.process.url()).await.expect("the hub is there");
    let presence = json!({"type": "presence", "id": "p", "payload": {}});
    loop {
        other.send(Message::text(presence.to_string())).await.expect("open");
        let agents = next(&mut other).await["payload"]["agents"].take();
        assert_eq!(next(&mut other).await["type"], "ack");
        if agents.get("leaving").is_none() {
            break;
        }
    }
}
