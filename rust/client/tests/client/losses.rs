//! Nothing is lost, repeated or reordered between a client and its socket.

use futures_util::future::join_all;
use orochi_client::{Client, State};
use orochi_protocol::Seq;
use orochi_protocol::request::Conflict;

use crate::scripted::{Hub, message, within};

#[tokio::test]
async fn a_frame_reaches_a_hub_that_reads_late_though_others_come_meanwhile() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    // More than the sockets hold, so that writing waits for the hub and is interrupted.
    let sends: Vec<_> = (0..60).map(|_| tokio::spawn(client.send(message("x".repeat(200 * 1024))))).collect();
    for seq in 1..=8 {
        peer.message(seq, "hello").await;
        within(client.inbox().recv()).await.expect("open");
    }
    for sent in sends {
        let frame = peer.expect("message").await;
        assert_eq!(frame["payload"]["content"].as_str().map(str::len), Some(200 * 1024));
        peer.ack(&frame).await;
        within(sent).await.expect("no panic").expect("accepted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_out_in_the_order_of_the_calls() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    for number in 0..20_000 {
        // Another thread polls the future at any time.
        tokio::spawn(client.send(message(number.to_string())));
    }
    for number in 0..20_000 {
        let sent = peer.expect("message").await;
        assert_eq!(sent["payload"]["content"], number.to_string());
        peer.ack(&sent).await;
    }
}

#[tokio::test]
async fn unanswered_messages_are_sent_again_once_and_first() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let sends: Vec<_> = ["one", "two", "three"].into_iter().map(|text| client.send(message(text))).collect();
    let one = peer.expect("message").await;
    peer.ack(&one).await;
    let two = peer.expect("message").await;
    drop(peer);
    within(client.states().wait_for(|state| *state == State::Reconnecting)).await.expect("alive");
    let four = client.send(message("four"));
    let mut peer = hub.accept().await;
    for (content, id) in [("two", Some(&two["id"])), ("three", None), ("four", None)] {
        let again = peer.expect("message").await;
        assert_eq!(again["payload"]["content"], content);
        assert!(id.is_none_or(|id| *id == again["id"]));
        peer.ack(&again).await;
    }
    assert!(within(join_all(sends)).await.into_iter().all(|receipt| receipt.is_ok()));
    within(four).await.expect("accepted");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_kept() {
    let hub = Hub::bind().await;
    let (client, peer) = hub.client().await;
    drop(peer);
    within(client.states().wait_for(|state| *state == State::Reconnecting)).await.expect("alive");
    for _ in 0..10_000 {
        drop(client.send(message("given up")));
    }
    let wanted = client.send(message("wanted"));
    let mut peer = hub.accept().await;
    let sent = peer.expect("message").await;
    assert_eq!(sent["payload"]["content"], "wanted");
    peer.ack(&sent).await;
    within(wanted).await.expect("accepted");
}

#[tokio::test]
async fn resend_leaves_out_what_its_caller_gave_up() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let given_up = client.send(message("given up"));
    let _kept = client.send(message("kept"));
    for content in ["given up", "kept"] {
        assert_eq!(peer.expect("message").await["payload"]["content"], content);
    }
    drop(given_up);
    drop(peer);
    let mut peer = hub.accept().await;
    assert_eq!(peer.expect("message").await["payload"]["content"], "kept");
}

#[tokio::test]
async fn seen_is_said_again_on_a_new_connection() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    peer.message(7, "hello").await;
    within(client.inbox().recv()).await.expect("open");
    client.finished(Seq::new(7).expect("small"));
    // The message was sent, but not handled: the connection ends first.
    assert_eq!(peer.next().await["payload"]["seen"], 7);
    drop(peer);
    let mut peer = hub.accept().await;
    assert_eq!(peer.next().await["payload"]["seen"], 7);
}

#[tokio::test]
async fn a_new_connection_goes_on_after_the_last_message_and_takes_none_twice() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    for seq in [3, 5] {
        peer.message(seq, &seq.to_string()).await;
        within(client.inbox().recv()).await.expect("open");
    }
    drop(peer);
    let mut peer = hub.accept_silent().await;
    let register = peer.expect("register").await;
    assert_eq!(register["payload"]["resume"], 5);
    assert_eq!(register["payload"]["epoch"], "e");
    peer.ack(&register).await;
    for seq in [5, 8] {
        peer.message(seq, &seq.to_string()).await;
    }
    assert_eq!(within(client.inbox().recv()).await.expect("open").seq.map(Seq::get), Some(8));
}

#[tokio::test]
async fn reconnect_does_not_take_the_name_back_from_a_newer_session() {
    let hub = Hub::bind().await;
    let mut options = hub.options();
    options.register.conflict = Conflict::Replace;
    let opening = tokio::spawn(Client::connect(options));
    let mut peer = hub.accept_silent().await;
    let first = peer.expect("register").await;
    assert_eq!(first["payload"]["conflict"], "replace");
    peer.ack(&first).await;
    let _client = within(opening).await.expect("no panic").expect("accepted");
    drop(peer);
    let again = hub.accept_silent().await.expect("register").await;
    assert!(again["payload"].get("conflict").is_none(), "to join is what a register does: {again}");
}
