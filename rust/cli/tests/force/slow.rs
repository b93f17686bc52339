//! A receiver that stops reading delays nobody, costs the hub little, and gets everything in order.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use orochi_client::Client;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::hub::{DEADLINE, HubProcess};
use super::traffic::{Progress, options, send};

const MESSAGES: usize = 100_000;
const GROWTH_KIB_MAX: u64 = 64 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_for_a_hundred_thousand_messages_gets_them_all() {
    let hub = HubProcess::start();
    // A small receive buffer, so that the system does not read ahead.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("a small buffer");
    let stream: TcpStream = socket.connect(([127, 0, 0, 1], hub.port).into()).await.expect("the hub is there");
    let (mut sleeper, _) = tokio_tungstenite::client_async(hub.url(), stream).await.expect("a WebSocket");
    let register = r##"{"type":"register","sender":"sleeper","id":"r","payload":{"channels":["#load"]}}"##;
    sleeper.send(Message::text(register)).await.expect("it is connected");
    let ack = sleeper.next().await.expect("an ack").expect("a frame");
    assert!(ack.to_text().expect("text").contains(r#""type":"ack""#));

    let client = Client::connect(options(&hub.url(), "sender")).await.expect("the hub is there");
    let before = hub.resident_kib();
    let acks = timeout(3 * DEADLINE, send(client, MESSAGES, Arc::new(Progress::default())))
        .await
        .expect("the sender is not held up by a receiver that does not read")
        .expect("a sender");
    assert_eq!(acks.len(), MESSAGES);
    let growth = hub.resident_kib().saturating_sub(before);
    assert!(growth < GROWTH_KIB_MAX, "the hub grew by {growth} KiB for one slow reader");

    let mut next = 1;
    while next <= MESSAGES as u64 {
        let frame =
            timeout(DEADLINE, sleeper.next()).await.expect("the rest comes").expect("it is open").expect("a frame");
        let Message::Text(text) = frame else { continue };
        let seq = text.rsplit_once(r#""seq":"#).and_then(|(_, end)| end.trim_end_matches('}').parse::<u64>().ok());
        assert_eq!(seq, Some(next), "a message is missing, doubled or out of order");
        next += 1;
    }
}
