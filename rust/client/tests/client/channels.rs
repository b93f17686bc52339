//! A new connection names the channels that the hub last acked.

use orochi_client::{Client, State};
use orochi_protocol::request::Resume;
use serde_json::{Value, json};

use crate::overflow::{overflow, take};
use crate::scripted::{Hub, Peer, within};

async fn named(peer: &mut Peer) -> Value {
    let register = peer.expect("register").await;
    peer.ack(&register).await;
    register["payload"]["channels"].clone()
}

fn subscribe(client: &Client, channel: &'static str) -> tokio::task::JoinHandle<()> {
    let client = client.clone();
    tokio::spawn(async move { client.subscribe(channel).await.expect("accepted") })
}

#[tokio::test]
async fn joined_and_left_channels_are_named_again() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let joining = subscribe(&client, "#a");
    let request = peer.expect("subscribe").await;
    peer.ack(&request).await;
    within(joining).await.expect("accepted");
    // A refused request changes nothing.
    let leaving = client.clone();
    let leaving = tokio::spawn(async move { leaving.unsubscribe("general").await });
    let request = peer.expect("unsubscribe").await;
    peer.refuse(&request, "STORE_UNAVAILABLE").await;
    within(leaving).await.expect("no panic").expect_err("refused");
    drop(peer);
    let mut peer = hub.accept_silent().await;
    assert_eq!(named(&mut peer).await, json!(["#general", "#a"]));
    let leaving = client.clone();
    let leaving = tokio::spawn(async move { leaving.unsubscribe("general").await });
    let request = peer.expect("unsubscribe").await;
    peer.ack(&request).await;
    // Cut directly after the ack.
    drop(peer);
    within(leaving).await.expect("no panic").expect("accepted");
    assert_eq!(named(&mut hub.accept_silent().await).await, json!(["#a"]));
}

#[tokio::test]
async fn a_channel_counts_as_joined_when_the_hub_says_so_though_nobody_waits_for_it() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let given_up = subscribe(&client, "#a");
    let request = peer.expect("subscribe").await;
    given_up.abort();
    assert!(within(given_up).await.expect_err("aborted").is_cancelled());
    peer.ack(&request).await;
    drop(peer);
    assert_eq!(named(&mut hub.accept_silent().await).await, json!(["#general", "#a"]));
    assert_ne!(client.state(), State::Closed);
}

#[tokio::test]
async fn fetching_what_did_not_fit_does_not_undo_a_subscribe_on_its_way() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    overflow(&client, &mut peer).await;
    let joining = subscribe(&client, "#a");
    let request = peer.expect("subscribe").await;
    // Consume half of the inbox: now there is room to fetch the rest, with a register that names all channels.
    take(&client, 1..=40).await;
    let beat = client.clone();
    let beat = tokio::spawn(async move { beat.heartbeat().await });
    let between = peer.next().await;
    assert_eq!(between["type"], "heartbeat", "a register would set the channels as they were");
    peer.ack(&between).await;
    within(beat).await.expect("no panic").expect("answered");
    peer.ack(&request).await;
    within(joining).await.expect("accepted");
    assert_eq!(named(&mut peer).await, json!(["#general", "#a"]));
}

#[tokio::test]
async fn a_new_connection_asks_for_nothing_from_before_a_channel_was_joined() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let joining = subscribe(&client, "#a");
    let request = peer.expect("subscribe").await;
    peer.ack_with(&request, json!({"seq": 7})).await;
    within(joining).await.expect("accepted");
    drop(peer);
    let mut peer = hub.accept_silent().await;
    let register = peer.expect("register").await;
    assert_eq!(register["payload"]["joined"], json!({"#a": 7}));
    peer.ack(&register).await;
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.unsubscribe("#a").await }
    });
    let request = peer.expect("unsubscribe").await;
    peer.ack(&request).await;
    within(leaving).await.expect("no panic").expect("accepted");
    drop(peer);
    let register = hub.accept_silent().await.expect("register").await;
    assert_eq!(register["payload"].get("joined"), None, "a channel that was left is no more named");
}

#[tokio::test]
async fn resume_beyond_drops_where_channels_were_joined() {
    let hub = Hub::bind().await;
    let mut options = hub.options();
    options.register.resume = Some(Resume::Stored);
    let (client, mut peer) = tokio::join!(Client::connect(options), hub.accept());
    let client = client.expect("accepted");
    let joining = subscribe(&client, "#a");
    let request = peer.expect("subscribe").await;
    peer.ack_with(&request, json!({"seq": 40})).await;
    within(joining).await.expect("accepted");
    drop(peer);
    // A backup was restored, and the seq of the subscribe belongs to the newer log.
    let mut peer = hub.accept_silent().await;
    let register = peer.expect("register").await;
    assert_eq!(register["payload"]["joined"], json!({"#a": 40}));
    peer.refuse(&register, "RESUME_BEYOND").await;
    let mut peer = hub.accept_silent().await;
    let register = peer.expect("register").await;
    assert_eq!(register["payload"]["resume"], "stored");
    assert_eq!(register["payload"].get("joined"), None);
    assert_ne!(client.state(), State::Closed);
}
