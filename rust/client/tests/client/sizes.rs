//! Sizes are checked before anything is queued, and a close because of a frame's size fails only that frame.

use orochi_client::{Error, Outgoing};
use orochi_protocol::ErrorCode;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::answers::{old_ack, old_client};
use crate::scripted::{Hub, message, within};

fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::Invalid(refusal) if refusal.code == ErrorCode::TooLarge)
}

#[tokio::test]
async fn sizes_over_the_limit_are_refused_and_nothing_is_sent() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let metadata = RawValue::from_string(format!("\"{}\"", "x".repeat(64 * 1024))).expect("JSON");
    let large = [
        message("x".repeat(256 * 1024 + 1)),
        // Each character has six bytes in the frame.
        message("\u{1}".repeat(200 * 1024)),
        Outgoing { metadata: Some(metadata), ..message("small") },
    ];
    for outgoing in large {
        let error = within(client.send(outgoing)).await.expect_err("too large");
        assert!(is_too_large(&error), "{error}");
        assert!(error.to_string().contains("KiB"), "{error}");
    }
    let params = serde_json::json!({ "action": "create_issue", "params": { "body": "x".repeat(1024 * 1024) } });
    let error = within(client.request("gitea", &params)).await.expect_err("too large");
    assert!(is_too_large(&error), "{error}");
    let sent = client.send(message("small"));
    let frame = peer.next().await;
    assert_eq!(frame["payload"]["content"], "small");
    peer.ack(&frame).await;
    within(sent).await.expect("accepted");
}

#[tokio::test]
async fn sizes_of_an_old_hub_are_limited_by_the_frame_only() {
    let hub = Hub::bind().await;
    let (client, mut peer) = old_client(&hub).await;
    let error = within(client.send(message("x".repeat(1024 * 1024)))).await.expect_err("too large");
    assert!(is_too_large(&error), "{error}");
    let sent = client.send(message("x".repeat(300 * 1024)));
    let frame: Value = serde_json::from_str(&peer.next_text().await).expect("JSON");
    old_ack(&mut peer, &frame).await;
    within(sent).await.expect("accepted");
}

#[tokio::test]
async fn sizes_that_the_peer_refuses_with_1009_fail_and_are_not_sent_again() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let small = client.send(message("small"));
    let large = tokio::spawn(client.send(message("x".repeat(200 * 1024))));
    let large_too = tokio::spawn(client.send(message("x".repeat(100 * 1024))));
    for rejected in [large, large_too] {
        peer.expect("message").await;
        peer.expect("message").await;
        let close = CloseFrame { code: CloseCode::Size, reason: "message too big".into() };
        within(peer.0.close(Some(close))).await.expect("the client is there");
        let error = within(rejected).await.expect("no panic").expect_err("too large for this peer");
        assert!(is_too_large(&error) && error.to_string().contains("1009"), "{error}");
        peer = hub.accept().await;
    }
    let frame = peer.expect("message").await;
    assert_eq!(frame["payload"]["content"], "small");
    peer.ack(&frame).await;
    within(small).await.expect("accepted");
}
