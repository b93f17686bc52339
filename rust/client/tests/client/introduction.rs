//! The start of a connection: what the client sends, how the hub refuses it, and what stays secret.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use orochi_client::{Client, Error, Options, State};
use orochi_protocol::request::{Conflict, EventKind, Register, Resume};
use orochi_protocol::{ChannelName, ErrorCode, Identity, Reach};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use crate::scripted::{Hub, Peer, message, within};

#[tokio::test]
async fn a_register_says_who_it_is_and_what_it_wants() {
    let hub = Hub::bind().await;
    let mut options = hub.options();
    options.register = Register {
        channels: Some(vec![ChannelName::parse("#a").expect("a channel")]),
        identity: Identity {
            machine: "gpu-1".into(),
            role: "reviewer".into(),
            model: "m".into(),
            agent_id: "alice@gpu-1".into(),
            project: "p".into(),
        },
        resume: Some(Resume::Stored),
        epoch: None,
        joined: Default::default(),
        conflict: Conflict::Refuse,
        events: vec![EventKind::PresenceChange, EventKind::StatusUpdate],
        reach: Some(Reach::Turn),
    };
    let (client, register) = tokio::join!(Client::connect(options), async {
        let mut peer = hub.accept_silent().await;
        let register = peer.expect("register").await;
        peer.ack(&register).await;
        register
    });
    assert_eq!(client.expect("accepted").name(), "alice");
    assert_eq!(register["sender"], "alice");
    assert_eq!(
        register["payload"],
        json!({
            "channels": ["#a"], "machine": "gpu-1", "role": "reviewer", "model": "m", "agent_id": "alice@gpu-1",
            "project": "p", "resume": "stored", "conflict": "refuse", "events": ["presence_change", "status_update"],
            "reach": "turn",
        })
    );
}

#[tokio::test]
async fn a_register_without_wishes_is_one_that_an_old_hub_knows() {
    let hub = Hub::bind().await;
    let (client, register) = tokio::join!(Client::connect(hub.options()), async {
        let mut peer = hub.accept_silent().await;
        let register = peer.expect("register").await;
        peer.ack(&register).await;
        register
    });
    client.expect("accepted");
    let keys: Vec<&String> = register["payload"].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["channels", "machine", "role", "model", "agent_id", "project"]);
}

#[tokio::test]
async fn a_refused_name_is_not_tried_again() {
    let hub = Hub::bind().await;
    let (client, ()) = tokio::join!(Client::connect(hub.options()), async {
        let mut peer = hub.accept_silent().await;
        let register = peer.expect("register").await;
        peer.refuse(&register, "INVALID_NAME").await;
    });
    assert!(matches!(client, Err(Error::Refused { code, .. }) if code == ErrorCode::InvalidName));
}

/// Refuses the token as a hub does: an error that names no request, and a close.
async fn refuse_token(mut peer: Peer) {
    let payload = json!({ "code": "AUTH_FAILED", "detail": "no" });
    peer.send(json!({ "type": "error", "sender": "orochi-server", "payload": payload })).await;
    let _ = peer.0.close(None).await;
}

#[tokio::test]
async fn a_token_goes_in_the_address_and_into_no_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}", listener.local_addr().expect("bound"));
    let options = Options { token: "s3cr+t /ä".into(), ..Options::new(&url, "alice") };
    let shown = format!("{options:?}");
    let asked = Arc::new(Mutex::new(String::new()));
    let address = Arc::clone(&asked);
    let (client, ()) = tokio::join!(Client::connect(options), async {
        let (stream, _) = within(listener.accept()).await.expect("a connection");
        #[expect(clippy::result_large_err, reason = "the library's own signature")]
        let read = move |request: &Request, response: Response| {
            *address.lock().expect("no panic") = request.uri().to_string();
            Ok(response)
        };
        let socket = within(accept_hdr_async(stream, read)).await.expect("a WebSocket");
        refuse_token(Peer(socket)).await;
    });
    let error = client.expect_err("the token is wrong");
    assert!(matches!(error, Error::AuthFailed { .. }), "{error}");
    assert_eq!(*asked.lock().expect("no panic"), "/?token=s3cr%2Bt%20%2F%C3%A4");
    for text in [error.to_string(), format!("{error:?}"), shown] {
        assert!(!text.contains("s3cr"), "{text}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_later_ends_the_client_and_what_waits() {
    let hub = Hub::bind().await;
    let (client, peer) = hub.client().await;
    let sent = client.send(message("one"));
    drop(peer);
    refuse_token(hub.accept_silent().await).await;
    assert!(matches!(within(sent).await, Err(Error::AuthFailed { .. })));
    assert!(within(client.inbox().recv()).await.is_none());
    assert!(matches!(client.inbox().end(), Some(Error::AuthFailed { .. })));
    within(client.states().wait_for(|state| *state == State::Closed)).await.expect("alive");
    assert!(matches!(within(client.send(message("two"))).await, Err(Error::AuthFailed { .. })));
}

#[tokio::test]
async fn nobody_there_is_said_in_a_sentence_with_the_way_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let error = within(Client::connect(Options::new(&url, "alice"))).await.expect_err("nobody listens");
    assert!(matches!(&error, Error::Unreachable { reason, .. } if reason == "connection refused"), "{error}");
    assert!(error.to_string().contains(&url) && error.to_string().contains("orochi serve"), "{error}");

    let error = within(Client::connect(Options::new("wss://127.0.0.1:1", "alice"))).await.expect_err("no TLS");
    assert!(matches!(&error, Error::Unreachable { reason, .. } if reason.contains("wss://")), "{error}");
}

#[tokio::test]
async fn a_hub_that_says_nothing_is_given_up_in_time() {
    let hub = Hub::bind().await;
    let options = Options { connect_timeout: Duration::from_millis(50), ..hub.options() };
    let (client, _silent) = tokio::join!(within(Client::connect(options)), hub.accept_silent());
    assert!(matches!(client, Err(Error::Unreachable { reason, .. }) if reason == "no answer within 0.05 s"));
}

#[tokio::test]
async fn the_dashboards_port_is_told_from_a_hub() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}", listener.local_addr().expect("bound"));
    let (client, ()) = tokio::join!(Client::connect(Options::new(url, "alice")), async {
        let (mut stream, _) = within(listener.accept()).await.expect("a connection");
        let mut request = [0; 4096];
        let _ = within(stream.read(&mut request)).await.expect("a request");
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        within(stream.write_all(answer)).await.expect("the client is there");
    });
    assert!(matches!(client, Err(Error::Unreachable { reason, .. }) if reason.contains("404")));
}

#[tokio::test]
async fn an_old_hub_that_is_lost_stays_lost() {
    let hub = Hub::bind().await;
    let (client, mut peer) = tokio::join!(Client::connect(hub.options()), async {
        let mut peer = hub.accept_silent().await;
        let register = peer.expect("register").await;
        let payload = json!({ "status": "ok", "ref": register["id"] });
        peer.send(json!({ "type": "ack", "sender": "orochi-server", "payload": payload })).await;
        peer
    });
    let client = client.expect("accepted");
    peer.send(json!({ "type": "message", "sender": "bob", "payload": { "channel": "#general", "content": "x" } }))
        .await;
    within(peer.0.close(None)).await.expect("the client is there");
    assert!(within(client.inbox().recv()).await.is_some_and(|frame| frame.seq.is_none()));
    assert!(within(client.inbox().recv()).await.is_none());
    assert!(matches!(client.inbox().end(), Some(Error::ConnectionLost { .. })));
    assert_eq!(client.state(), State::Closed);
}

#[tokio::test]
async fn pings_are_answered_and_the_last_handle_closes_the_connection() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    within(peer.0.send(Message::Ping("are you there".into()))).await.expect("the client is there");
    assert_eq!(within(peer.0.next()).await.expect("open").expect("a frame"), Message::Pong("are you there".into()));
    drop(client.clone());
    let beat = tokio::spawn(async move { client.heartbeat().await });
    let asked = peer.next().await;
    peer.ack(&asked).await;
    within(beat).await.expect("no panic").expect("answered");
    // The task held the last handle.
    assert!(matches!(within(peer.0.next()).await, Some(Ok(Message::Close(_)))));
}
