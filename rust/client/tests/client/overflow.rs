//! A full inbox: further messages stay in the hub's log and are fetched later, even if the hub first refuses.

use orochi_client::Client;
use orochi_protocol::Seq;
use orochi_protocol::request::Conflict;
use serde_json::Value;

use crate::scripted::{Hub, Peer, within};

/// The number of frames; the inbox holds only some of them.
const COUNT: u64 = 80;

pub async fn overflow(client: &Client, peer: &mut Peer) {
    let content = "x".repeat(1024 * 1024);
    for seq in 1..=COUNT {
        peer.message(seq, &content).await;
    }
    // Answers still arrive, because the socket is read.
    let (beat, ()) = tokio::join!(client.heartbeat(), async {
        let beat = peer.next().await;
        peer.ack(&beat).await;
    });
    beat.expect("answered");
}

pub async fn take(client: &Client, wanted: std::ops::RangeInclusive<u64>) {
    for seq in wanted {
        let frame = within(client.inbox().recv()).await.expect("open");
        assert_eq!(frame.seq.map(Seq::get), Some(seq));
    }
}

async fn fetched(peer: &mut Peer) -> (Value, u64) {
    let register = peer.expect("register").await;
    let after = register["payload"]["resume"].as_u64().expect("a seq");
    assert!((1..COUNT).contains(&after), "{after}");
    (register, after)
}

#[tokio::test]
async fn what_did_not_fit_is_fetched_when_there_is_room() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    overflow(&client, &mut peer).await;
    take(&client, 1..=1).await;
    take(&client, 2..=40).await;
    let (register, after) = fetched(&mut peer).await;
    // A live message that arrives before the rest is also part of the rest.
    peer.message(COUNT + 1, "live").await;
    peer.ack(&register).await;
    for seq in after + 1..=COUNT + 2 {
        peer.message(seq, "fetched").await;
    }
    take(&client, 41..=COUNT + 2).await;
}

#[tokio::test]
async fn a_refused_fetch_is_tried_again() {
    let hub = Hub::bind().await;
    let mut options = hub.options();
    options.register.conflict = Conflict::Refuse;
    let (client, mut peer) = tokio::join!(Client::connect(options), hub.accept());
    let client = client.expect("accepted");
    overflow(&client, &mut peer).await;
    take(&client, 1..=40).await;
    let (register, after) = fetched(&mut peer).await;
    take(&client, 41..=after).await;
    peer.refuse(&register, "STORE_UNAVAILABLE").await;
    let (register, again) = fetched(&mut peer).await;
    // Other connections of the name stay, and so does this one.
    assert_eq!((again, &register["payload"]["conflict"]), (after, &Value::Null));
    peer.ack(&register).await;
    peer.message(after + 1, "at last").await;
    take(&client, after + 1..=after + 1).await;
}
