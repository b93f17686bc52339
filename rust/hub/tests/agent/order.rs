//! The replies of a connection have the order of its requests, whatever each request waits for (section 3).

use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Socket, TestHub};

/// All kinds of requests except `register` and `gitea`, each with the data frame before its ack.
const ROUND: [(&str, Option<&str>); 12] = [
    ("message", None),
    ("presence", Some("presence")),
    ("heartbeat", None),
    ("status_update", None),
    ("query", Some("message")),
    ("bad payload", None),
    ("heartbeat seen", None),
    ("subscribe", None),
    ("receipts", Some("receipts")),
    ("no type", None),
    ("unsubscribe", None),
    ("message", None),
];

fn frame(kind: &str, id: &str) -> Value {
    let (kind, payload) = match kind {
        "message" => (kind, json!({"channel": "#order", "content": id})),
        "query" => (kind, json!({"channel": "#order", "limit": 3})),
        "bad payload" => ("message", json!({"channel": 7})),
        "heartbeat seen" => ("heartbeat", json!({"seen": 1})),
        "subscribe" | "unsubscribe" => (kind, json!({"channel": "#more"})),
        "receipts" => (kind, json!({"seq": 1})),
        "no type" => ("nonsense", json!({})),
        _ => (kind, json!({})),
    };
    json!({"type": kind, "id": id, "payload": payload})
}

/// Sends each kind of request `rounds` times without waiting for answers. Returns the expected frames.
async fn ask_all(socket: &mut Socket, rounds: usize) -> Vec<String> {
    let mut expected = Vec::new();
    for round in 0..rounds {
        for (at, (kind, data)) in ROUND.iter().enumerate() {
            let id = format!("{round}-{at}-{kind}");
            socket.send(&frame(kind, &id)).await;
            expected.extend(data.map(|data| format!("{data} before {id}")));
            expected.push(id);
        }
    }
    expected
}

/// The received frames, in the notation of [`ask_all`]. A data frame has the name of the following ack.
async fn come(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut frames = Vec::new();
    let mut data: Option<(String, Value)> = None;
    while frames.len() < count {
        let frame = socket.next().await;
        let kind = frame["type"].as_str().unwrap().to_owned();
        if kind != "ack" && kind != "error" {
            let before = data.replace((kind, frame["payload"]["ref"].clone()));
            assert_eq!(before, None, "two data frames and no ack between them");
            continue;
        }
        let id = frame["payload"]["ref"].as_str().unwrap_or("none").to_owned();
        if let Some((kind, reference)) = data.take() {
            assert_eq!(reference, *id);
            frames.push(format!("{kind} before {id}"));
        }
        frames.push(id);
    }
    frames
}

#[tokio::test]
async fn replies_come_in_the_order_of_the_requests_each_data_frame_before_its_ack() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#order", "first").await;
    let expected = ask_all(&mut alice, 20).await;
    assert_eq!(come(&mut alice, expected.len()).await, expected);
}

#[tokio::test]
async fn replies_wait_for_a_message_whose_commit_takes_long() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#order", "first").await;
    let mut slow_disk = Connection::open(hub.db()).unwrap();
    let held = slow_disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let mut expected = ask_all(&mut alice, 1).await;
    alice.send_raw(Message::binary(vec![0xff, 0xfe])).await;
    expected.push("none".to_owned());
    expected.extend(ask_all(&mut alice, 1).await);
    // The port answers other requests while the disk is blocked.
    hub.get("/healthz").await;
    held.rollback().unwrap();
    assert_eq!(come(&mut alice, expected.len()).await, expected);
}
