//! `caught_up` resolves when the hub says so, each time that something may have been missed.

use futures_util::{FutureExt, SinkExt};
use orochi_client::{Client, Error};
use orochi_protocol::Seq;
use orochi_protocol::request::Resume;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::scripted::{Hub, Peer, within};

async fn say_caught_up(peer: &mut Peer, seq: u64) {
    let frame = json!({"type": "caught_up", "sender": "orochi-server", "payload": {"seq": seq, "ref": "r"}});
    peer.0.send(Message::text(frame.to_string())).await.expect("open");
}

#[tokio::test]
async fn caught_up_is_ready_when_the_hub_says_so_and_waits_again_after_a_lost_connection() {
    let hub = Hub::bind().await;
    let mut options = hub.options();
    options.register.resume = Some(Resume::After(Seq::ZERO));
    let (client, mut peer) = tokio::join!(Client::connect(options), hub.accept());
    let client = client.expect("accepted");
    assert!(client.caught_up().now_or_never().is_none());
    peer.message(1, "missed").await;
    say_caught_up(&mut peer, 1).await;
    within(client.caught_up()).await.expect("it said so");
    // `caught_up` is not a message: the inbox has only the missed one.
    assert_eq!(within(client.inbox().recv()).await.and_then(|frame| frame.seq), Seq::new(1));
    drop(peer);
    let mut peer = hub.accept().await;
    let again = client.caught_up();
    peer.message(2, "missed again").await;
    say_caught_up(&mut peer, 2).await;
    within(again).await.expect("it said so");
    assert_eq!(within(client.inbox().recv()).await.and_then(|frame| frame.seq), Seq::new(2));
}

#[tokio::test]
async fn caught_up_is_ready_at_once_without_resume_and_fails_where_the_connection_ends() {
    let hub = Hub::bind().await;
    let (live, _peer) = hub.client().await;
    within(live.caught_up()).await.expect("nothing can be missing");
    let mut options = hub.options();
    (options.register.resume, options.reconnect) = (Some(Resume::Stored), false);
    let (client, peer) = tokio::join!(Client::connect(options), hub.accept());
    let client = client.expect("accepted");
    let waiting = client.caught_up();
    drop(peer);
    assert!(matches!(within(waiting).await, Err(Error::Closed)));
}
