//! Connections that disappear while their register waits, and requests that arrive meanwhile.

use futures_util::future::join_all;
use rusqlite::{Connection, TransactionBehavior};
use serde_json::json;

use crate::harness::TestHub;

#[tokio::test]
async fn gone_connections_are_noticed_while_their_register_waits_for_the_disk() {
    let hub = TestHub::open().await;
    let mut slow_disk = Connection::open(hub.db()).unwrap();
    let held = slow_disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let leaving = (0..20).map(async |n| {
        let mut socket = hub.connect().await;
        socket.send(&json!({"type": "register", "sender": format!("gone-{n}"), "id": "r", "payload": {}})).await;
        // Further requests must not hide the close behind them.
        socket.send(&json!({"type": "heartbeat", "id": "h", "payload": {}})).await;
        // The hub answers the close although the register has no answer yet.
        socket.leave().await;
    });
    join_all(leaving).await;
    held.rollback().unwrap();
    let mut last = hub.agent("last", &[]).await;
    assert_eq!(last.answer("presence", json!({})).await["agents"], json!({"last": []}));
}

#[tokio::test]
async fn requests_that_come_while_a_register_waits_are_answered_in_order() {
    let hub = TestHub::open().await;
    let mut slow_disk = Connection::open(hub.db()).unwrap();
    let held = slow_disk.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let mut alice = hub.connect().await;
    alice.send(&json!({"type": "register", "sender": "alice", "id": "r", "payload": {}})).await;
    for n in 0..300 {
        let content = format!("{n} {}", "x".repeat(1000));
        alice
            .send(&json!({"type": "message", "id": n.to_string(), "payload": {"channel": "#c", "content": content}}))
            .await;
    }
    held.rollback().unwrap();
    for id in std::iter::once("r".to_owned()).chain((0..300).map(|n| n.to_string())) {
        let reply = alice.next().await;
        assert_eq!((&reply["type"], &reply["payload"]["ref"]), (&json!("ack"), &json!(id)));
    }
}
