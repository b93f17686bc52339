//! Connections that send or read nothing (section 9, Liveness and Slow readers). The tests shorten the hub's deadlines.

use std::time::Duration;

use orochi_hub::Patience;
use orochi_protocol::limits::CONTENT_BYTES_MAX;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Socket, TestHub, in_time};

const LONG: Duration = Duration::from_secs(60);
/// More than the system's buffers of one connection hold.
const BYTES: usize = 24 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_even_answer_pings_goes_offline() {
    let patience = Patience {
        ping_every: Duration::from_millis(300),
        silent: Duration::from_secs(1),
        stuck: LONG,
        ..Patience::default()
    };
    let hub = TestHub::with_patience(patience).await;
    let mut watcher = hub.register("watcher", json!({"channels": [], "events": ["presence_change"]})).await.0;
    // A socket that nobody reads does not answer pings.
    let mute = hub.agent("mute", &[]).await;
    let gone = watcher.next_that(|frame| frame["payload"]["event"] == "disconnected").await;
    assert_eq!(gone["payload"]["agent"], "mute");
    assert_eq!(hub.get("/api/agents").await.as_array().unwrap().len(), 1, "the watcher answered its own");
    drop(mute);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_is_closed_with_4008_and_gets_the_rest_when_it_is_back() {
    let patience =
        Patience { ping_every: LONG, silent: LONG, stuck: Duration::from_millis(500), ..Patience::default() };
    let hub = TestHub::with_patience(patience).await;
    let mut watcher = hub.register("watcher", json!({"channels": [], "events": ["presence_change"]})).await.0;
    let mut stuck = hub.agent("stuck", &["#c"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    let count = BYTES / CONTENT_BYTES_MAX;
    for n in 0..count {
        alice.say("#c", &format!("{n} {}", "x".repeat(CONTENT_BYTES_MAX - 10))).await;
    }
    let gone = watcher.next_that(|frame| frame["payload"]["event"] == "disconnected").await;
    assert_eq!(gone["payload"]["agent"], "stuck");
    let last = read_to_end(&mut stuck).await;
    assert!(last < count, "{last} of {count} came before it was closed");
    let (mut back, _) = hub.register("stuck", json!({"channels": ["#c"], "resume": last})).await;
    for seq in last + 1..=count {
        assert_eq!(back.next_message().await["seq"], seq);
    }
}

/// Reads everything that was written before the hub closed. Returns the last seq.
async fn read_to_end(socket: &mut Socket) -> usize {
    use futures_util::StreamExt;
    let mut last = 0;
    while let Some(Ok(message)) = in_time(socket.stream.next()).await {
        match message {
            Message::Text(text) => {
                let frame = crate::frames::from_hub(&text);
                if let Some(seq) = frame["seq"].as_u64() {
                    last += 1;
                    assert_eq!(seq, last as u64);
                }
            }
            Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 4008),
            other => panic!("{other:?}"),
        }
    }
    last
}

/// On a slow line, a frame takes longer than the hub's limit for silence, and no pong can be sent within it. In this
/// test, each ping of the hub releases the next part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_line_in_the_middle_of_a_frame_is_not_silent() {
    let patience =
        Patience { ping_every: Duration::from_millis(100), silent: Duration::from_millis(300), ..Patience::default() };
    let hub = TestHub::with_patience(patience).await;
    let mut alice = hub.agent("alice", &[]).await;
    let text = json!({"type": "message", "id": "m", "payload": {"channel": "#c", "content": "slow"}}).to_string();
    // A masked text frame with a zero mask, so its bytes are the text.
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    let socket = alice.stream.get_mut();
    for piece in frame.chunks(frame.len().div_ceil(10)) {
        let mut ping = [0; 2];
        in_time(socket.read_exact(&mut ping)).await.unwrap();
        assert_eq!(ping, [0x89, 0], "a ping");
        in_time(socket.write_all(piece)).await.unwrap();
    }
    assert_eq!(alice.reply("m").await["type"], "ack");
}

#[tokio::test]
async fn silent_connection_is_closed_with_its_own_code() {
    let patience =
        Patience { ping_every: Duration::from_millis(100), silent: Duration::from_millis(300), ..Patience::default() };
    let hub = TestHub::with_patience(patience).await;
    let mut watcher = hub.register("watcher", json!({"channels": [], "events": ["presence_change"]})).await.0;
    // From now on it reads nothing, so it answers no pings.
    let mut silent = hub.agent("silent", &[]).await;
    let gone = watcher.next_that(|frame| frame["payload"]["event"] == "disconnected").await;
    assert_eq!(gone["payload"]["agent"], "silent");
    // Reads bytes: a WebSocket library would first answer the pings and find the socket closed.
    let mut written = Vec::new();
    in_time(silent.stream.get_mut().read_to_end(&mut written)).await.unwrap();
    let close = written.windows(4).find(|frame| frame[0] == 0x88).expect("a close frame");
    assert_eq!(u16::from_be_bytes([close[2], close[3]]), 4002);
}
