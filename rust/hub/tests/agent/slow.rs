//! A client that stops reading (section 9, Slow readers) delays nobody and loses nothing.

use serde_json::json;

use crate::harness::{Socket, TestHub};

const COUNT: usize = 30_000;
/// Messages sent before the first ack is awaited, as a client with a window does.
const WINDOW: usize = 256;

/// Sends `COUNT` messages and reads their acks meanwhile.
async fn talk(alice: &mut Socket, padding: &str) {
    for first in (0..COUNT).step_by(WINDOW) {
        let until = COUNT.min(first + WINDOW);
        for n in first..until {
            alice.request("message", json!({"channel": "#c", "content": format!("{n}{padding}")})).await;
        }
        for _ in first..until {
            let ack = alice.next().await;
            assert_eq!(ack["type"], "ack", "{ack}");
        }
    }
}

async fn expect_all(reader: &mut Socket) {
    for n in 0..COUNT {
        let frame = reader.next_message().await;
        assert_eq!(frame["seq"], n + 1);
        let content = frame["payload"]["content"].as_str().unwrap();
        assert_eq!(content.trim_end_matches('x').parse(), Ok(n));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_reading_delays_nobody_and_gets_all_in_order_when_it_reads_again() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut slow = hub.agent("slow", &["#c"]).await;
    let mut slow_observer = hub.observer("").await;
    let mut quick = hub.agent("quick", &["#c"]).await;
    // Together larger than the system's socket buffers and the hub's memory for one connection.
    let padding = "x".repeat(400);
    let reading = tokio::spawn(async move {
        expect_all(&mut quick).await;
        quick
    });
    talk(&mut alice, &padding).await;
    let mut quick = reading.await.unwrap();
    // Everything was sent and read here before the slow sockets read a single frame.

    expect_all(&mut slow).await;
    expect_all(&mut slow_observer).await;
    // Both are live again.
    alice.say("#c", "@slow again").await;
    for socket in [&mut slow, &mut slow_observer, &mut quick] {
        assert_eq!(socket.next_message().await["seq"], COUNT + 1);
    }
    slow.nothing_more().await;
    quick.nothing_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_behind_learns_afterwards_how_the_agents_are() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut observer = hub.observer("").await;
    let mut bob = hub.agent("bob", &[]).await;
    talk(&mut alice, &"x".repeat(400)).await;
    bob.ask("status_update", json!({"status": "done"})).await;
    bob.leave().await;
    alice.nothing_more().await;
    let mut offline = false;
    let mut done = false;
    let mut messages = 0;
    while !(offline && done && messages == COUNT) {
        let frame = observer.next().await;
        let payload = &frame["payload"];
        messages += usize::from(frame["type"] == "message");
        offline |= payload["agent"] == "bob" && payload["event"] == "disconnected";
        done |= payload["agent"] == "bob" && payload["status"] == "done";
    }
}
