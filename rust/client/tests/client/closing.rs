//! Closing works whatever the hub does.

use std::time::Instant;

use futures_util::StreamExt;
use orochi_client::{Error, State};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::scripted::{Hub, message, within};

#[tokio::test]
async fn a_hub_that_reads_nothing_does_not_keep_a_client_from_closing() {
    let hub = Hub::bind().await;
    let (client, _peer) = hub.client().await;
    // More bytes than the sockets hold, and more requests than are sent at once.
    let sends: Vec<_> = (0..6000).map(|_| client.send(message("x".repeat(4096)))).collect();
    within(client.close()).await;
    assert_eq!(client.state(), State::Closed);
    for send in sends {
        assert!(matches!(send.await, Err(Error::Closed)));
    }
}

#[tokio::test]
async fn a_hub_that_does_not_answer_a_register_does_not_keep_a_client_from_closing() {
    let hub = Hub::bind().await;
    let (client, peer) = hub.client().await;
    drop(peer);
    let _silent = hub.accept_silent().await;
    let started = Instant::now();
    within(client.close()).await;
    assert!(started.elapsed() < hub.options().connect_timeout / 2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn two_that_close_both_wait_for_the_end() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let other = client.clone();
    let reading = tokio::spawn(async move { while let Some(Ok(_)) = peer.0.next().await {} });
    within(async { tokio::join!(client.close(), other.close()) }).await;
    assert_eq!(client.state(), State::Closed);
    within(client.close()).await;
    within(reading).await.expect("no panic");
}

#[tokio::test]
async fn what_was_sent_before_the_close_goes_out() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let _sent = client.send(message("last words"));
    let closing = tokio::spawn(async move { client.close().await });
    assert_eq!(peer.expect("message").await["payload"]["content"], "last words");
    assert!(matches!(within(peer.0.next()).await, Some(Ok(Message::Close(_)))));
    while let Some(Ok(_)) = within(peer.0.next()).await {}
    within(closing).await.expect("no panic");
}

#[tokio::test]
async fn the_hubs_close_is_answered() {
    let hub = Hub::bind().await;
    let (_client, mut peer) = hub.client().await;
    let close = CloseFrame { code: CloseCode::Away, reason: "stopping".into() };
    within(peer.0.close(Some(close))).await.expect("the client is there");
    assert!(matches!(within(peer.0.next()).await, Some(Ok(Message::Close(_)))));
}
