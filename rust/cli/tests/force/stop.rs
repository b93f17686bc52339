//! SIGTERM while agents send: accepted messages are acked, sockets close with 1001, the hub exits with 0.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::checker::{Acked, check_log, read_log};
use super::hub::HubProcess;

/// The time that the protocol allows a hub for stopping.
const STOP_MAX: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_acks_what_it_took_and_closes_with_1001() {
    let mut hub = HubProcess::start();
    let (socket, _) = connect_async(hub.url()).await.expect("the hub is there");
    let (mut sink, mut stream) = socket.split();
    let register = r##"{"type":"register","sender":"sender","id":"r","payload":{"channels":["#load"]}}"##;
    sink.send(Message::text(register)).await.expect("it is connected");
    let sending = tokio::spawn(async move {
        // Send until the hub closes.
        for n in 0.. {
            let frame = format!(
                r##"{{"type":"message","id":"m-{n}","payload":{{"channel":"#load","content":"sender {n}"}}}}"##
            );
            if sink.send(Message::text(frame)).await.is_err() {
                return;
            }
        }
    });
    let mut acks = Vec::new();
    let mut close = None;
    let mut is_stopping = false;
    let reading = async {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Text(text) => acks.extend(acked(&text)),
                Message::Close(frame) => close = frame.map(|frame| frame.code),
                _ => {}
            }
            if acks.len() >= 500 && !is_stopping {
                is_stopping = true;
                hub.terminate();
                // Messages in transit are enough load. A client that never stops sending is cut off after a second, and
                // may find its connection reset before it has read the close.
                sending.abort();
            }
        }
    };
    timeout(2 * STOP_MAX, reading).await.expect("the hub closes the socket");
    let ended = tokio::task::spawn_blocking(move || (hub.ended(), hub));
    let (status, hub) = timeout(STOP_MAX, ended).await.expect("the hub ends in time").expect("waited");
    assert_eq!(status.code(), Some(0));
    assert_eq!(close, Some(CloseCode::Away));
    let log = read_log(&hub.db()).await;
    assert_eq!(log.len(), acks.len(), "the log has messages whose senders were not told");
    check_log(&log, &acks, &HashMap::from([("sender".to_owned(), log.len())]));
}

fn acked(text: &str) -> Option<Acked> {
    let frame = crate::frames::from_hub(text);
    let payload = &frame["payload"];
    if frame["type"] != "ack" || payload["ref"] == "r" {
        return None;
    }
    let id = payload["ref"].as_str().expect("an ack names its request").to_owned();
    let seq = orochi_protocol::Seq::new(payload["seq"].as_u64().expect("a message's ack has its seq"))?;
    Some(Acked { id, seq })
}
