//! Observers (section 6): they see everything, send nothing, and nobody sees them.

use serde_json::{Value, json};

use crate::harness::{TestHub, in_time};

#[tokio::test]
async fn an_observer_is_in_no_answer_and_may_send_nothing() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#general"]).await;
    let mut watcher = hub.register("watcher", json!({"channels": [], "events": ["presence_change"]})).await.0;
    let mut observer = hub.observer("").await;
    for frame in [
        json!({"type": "message", "id": "q", "sender": "bob", "payload": {"channel": "#general", "content": "x"}}),
        json!({"type": "register", "id": "q", "sender": "spy", "payload": {}}),
        json!({"type": "presence", "id": "q"}),
        json!({"type": "made_up", "id": "q", "payload": {"x": 1}}),
        json!("nonsense"),
    ] {
        observer.send(&frame).await;
        let error = observer.next_that(|frame| frame["type"] == "error").await;
        assert_eq!(error["payload"]["code"], "FORBIDDEN", "{frame}");
        assert_eq!(error["payload"].get("ref"), frame.get("id"), "{frame}");
    }
    let presence = bob.answer("presence", json!({"detail": true})).await;
    assert_eq!(presence["agents"], json!({"bob": ["#general"], "watcher": []}));
    bob.nothing_more().await;
    watcher.nothing_more_but("presence_change", 1).await;
    assert!(bob.history(json!({})).await.is_empty());
    assert_eq!(hub.get("/api/stats").await["observers_connected"], 1);
    observer.leave().await;
    bob.nothing_more().await;
    assert_eq!(hub.get("/api/stats").await["observers_connected"], 0);
    // A later observer does not get the name either.
    assert_eq!(hub.get("/api/agents?all=true").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn after_a_place_all_messages_come_and_then_the_live_ones() {
    const COUNT: usize = 3000;
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let said = |n: usize| json!({"channel": if n.is_multiple_of(2) { "#c" } else { "@bob" }, "content": n.to_string()});
    for n in 1..=COUNT {
        alice.request("message", said(n)).await;
    }
    alice.nothing_more_but("ack", COUNT).await;
    let (mut all, mut rest, mut live) =
        (hub.observer("?after=0").await, hub.observer("?after=1200").await, hub.observer("").await);
    for n in COUNT + 1..=2 * COUNT {
        alice.request("message", said(n)).await;
    }
    for (observer, from) in [(&mut all, 1), (&mut rest, 1201), (&mut live, COUNT + 1)] {
        for n in from..=2 * COUNT {
            let frame = observer.next_message().await;
            assert_eq!((&frame["seq"], &frame["payload"]), (&json!(n), &expected(&said(n))));
        }
    }
}

fn expected(said: &Value) -> Value {
    let mut payload = said.clone();
    payload["metadata"] = json!({});
    payload["mentions"] = json!([]);
    payload
}

#[tokio::test]
async fn observer_beyond_the_log_is_refused_in_the_handshake() {
    let hub = TestHub::open().await;
    let url = format!("{}/ws?after=1", hub.hub().ready.dashboard_url.replace("http://", "ws://"));
    let refused = in_time(tokio_tungstenite::connect_async(url)).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
    assert_eq!(response.status(), 422);
    let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
    assert_eq!(body["code"], "RESUME_BEYOND");
    hub.observer("?after=0").await.leave().await;
}
