//! WebSocket upgrades: agents on any path of their port, observers on `/ws`, and the answer to a wrong token.

use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;

use crate::harness::{Socket, TestHub, in_time};

#[tokio::test]
async fn an_agent_connects_on_any_path() {
    let hub = TestHub::with(|config| config.token = "s3 +c%".replace(' ', "").as_str().into()).await;
    for path in ["/?token=s3%2Bc%25", "/agents/x?a=1&token=s3+c%25", "/api/agents?token=s3+c%25", "/ws?token=s3+c%25"] {
        let mut socket = Socket::connect(&format!("ws://{}{path}", hub.agent_host())).await;
        socket.send(json!({"type": "register", "sender": "alice", "id": "r1"})).await;
        let ack = socket.next().await;
        assert_eq!((&ack["type"], &ack["payload"]["ref"]), (&json!("ack"), &json!("r1")), "{path}");
    }
}

#[tokio::test]
async fn an_agent_with_a_wrong_token_is_told_in_a_frame_and_closed() {
    let hub = TestHub::with(|config| config.token = "s3cret".into()).await;
    for path in ["/", "/?token=", "/?token=wrong", "/api/agents?token=wrong"] {
        let mut socket = Socket::connect(&format!("ws://{}{path}", hub.agent_host())).await;
        let error = socket.next().await;
        assert_eq!((&error["type"], &error["payload"]["code"]), (&json!("error"), &json!("AUTH_FAILED")));
        assert_eq!(u16::from(socket.closed().await.code), 4001, "{path}");
    }
}

#[tokio::test]
async fn an_observer_with_a_wrong_token_gets_401_instead_of_a_socket() {
    let hub = TestHub::with(|config| config.token = "s3cret".into()).await;
    let url = |query: &str| format!("ws://{}/ws{query}", hub.dashboard_host());
    for query in ["", "?token=wrong"] {
        match in_time(connect_async(url(query))).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 401),
            other => panic!("expected 401, got {other:?}"),
        }
    }
    Socket::connect(&url("?token=s3cret")).await;
}

#[tokio::test]
async fn an_observer_gets_what_was_said_after_the_seq_it_names_and_goes_on_live() {
    let hub = TestHub::open().await;
    for content in ["one", "two", "three"] {
        hub.say("alice", "@bob", content).await;
    }
    let mut observer = Socket::connect(&format!("ws://{}/ws?after=1", hub.dashboard_host())).await;
    for (seq, content) in [(2, "two"), (3, "three")] {
        let frame = observer.next().await;
        assert_eq!((&frame["seq"], &frame["payload"]["content"]), (&json!(seq), &json!(content)));
        assert_eq!(frame["payload"]["channel"], "@bob");
    }
    hub.say("alice", "#general", "four").await;
    assert_eq!(observer.next().await["payload"]["content"], "four");
}
