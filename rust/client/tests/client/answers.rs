//! Each request gets its own answer, from this hub and from a 0.1.0 hub, whose errors and data name no request.

use orochi_client::{Client, Error};
use orochi_protocol::ErrorCode;
use serde_json::{Value, json};

use crate::scripted::{Hub, Peer, message, within};

/// A client of a 0.1.0 hub: its register ack has no epoch.
pub async fn old_client(hub: &Hub) -> (Client, Peer) {
    let (client, peer) = tokio::join!(Client::connect(hub.options()), async {
        let mut peer = hub.accept_silent().await;
        let register = peer.expect("register").await;
        old_ack(&mut peer, &register).await;
        peer
    });
    (client.expect("accepted"), peer)
}

pub async fn old_ack(peer: &mut Peer, request: &Value) {
    let payload = json!({ "status": "ok", "ref": request["id"] });
    peer.send(json!({ "type": "ack", "sender": "orochi-server", "id": "a", "ts": "", "payload": payload })).await;
}

async fn answer(peer: &mut Peer, kind: &str, payload: Value) {
    peer.send(json!({ "type": kind, "sender": "orochi-server", "payload": payload })).await;
}

/// Starts a request while the test acts as the hub.
fn request(client: &Client, kind: &'static str) -> tokio::task::JoinHandle<Result<Value, Error>> {
    let client = client.clone();
    let payload = match kind {
        "gitea" => json!({ "action": "get_version" }),
        "receipts" => json!({ "seq": 1 }),
        _ => json!({}),
    };
    tokio::spawn(async move {
        let data = client.request(kind, &payload).await?.data;
        Ok(data.map_or(Value::Null, |data| serde_json::from_str(data.get()).expect("JSON")))
    })
}

#[tokio::test]
async fn acks_go_to_the_requests_that_they_name() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let sends = [client.send(message("one")), client.send(message("two"))];
    let (one, two) = (peer.expect("message").await, peer.expect("message").await);
    for (request, seq) in [(&two, 12), (&one, 11)] {
        let payload = json!({
            "status": "ok", "ref": request["id"], "seq": seq, "ts": "2026-01-15T10:30:00.123456+00:00",
            "delivery": { "bob": "offline" }, "duplicate": seq == 12,
        });
        answer(&mut peer, "ack", payload).await;
    }
    for (send, (request, seq)) in sends.into_iter().zip([(one, 11), (two, 12)]) {
        let receipt = within(send).await.expect("accepted");
        assert_eq!((receipt.seq.map(|seq| seq.get()), Value::from(receipt.id)), (Some(seq), request["id"].clone()));
        assert_eq!(receipt.ts.as_deref(), Some("2026-01-15T10:30:00.123456+00:00"));
        assert_eq!(json!(receipt.delivery), json!({ "bob": "offline" }));
        assert_eq!(receipt.duplicate, seq == 12);
    }
}

#[tokio::test]
async fn messages_between_a_request_and_its_answer_are_received() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let asked = request(&client, "query");
    let query = peer.expect("query").await;
    peer.message(1, "before").await;
    // The answer to a query is a message too: from the hub, without a seq.
    answer(&mut peer, "message", json!({ "channel": "#general", "content": "", "history": ["row"] })).await;
    peer.message(2, "after").await;
    peer.ack(&query).await;
    assert_eq!(within(asked).await.expect("no panic").expect("answered")["history"], json!(["row"]));
    for content in ["before", "after"] {
        assert!(within(client.inbox().recv()).await.expect("open").text.contains(content));
    }
}

#[tokio::test]
async fn a_refusal_is_of_one_request() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let sends = [client.send(message("one")), client.send(message("two"))];
    let (one, two) = (peer.expect("message").await, peer.expect("message").await);
    let refusal = json!({ "code": "RATE_LIMITED", "detail": "slower", "ref": two["id"], "retry_after": 1.5 });
    answer(&mut peer, "error", refusal).await;
    peer.ack(&one).await;
    let [one, two] = sends;
    within(one).await.expect("accepted");
    match within(two).await {
        Err(Error::Refused { code, detail, retry_after, status: None }) => {
            assert_eq!((detail.as_str(), retry_after), ("slower", Some(1.5)));
            assert_eq!(code, ErrorCode::RateLimited);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_nobody_asked_for_is_for_the_listener() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let waiting = request(&client, "presence");
    let asked = peer.expect("presence").await;
    answer(&mut peer, "error", json!({ "code": "SHUTTING_DOWN", "detail": "bye" })).await;
    answer(&mut peer, "from_the_future", json!({ "x": 1 })).await;
    // Neither the connection nor the request ends: unreadable frames are ignored.
    peer.send(json!(["not", "a", "frame"])).await;
    answer(&mut peer, "ack", json!({ "status": "ok", "ref": "nobody's" })).await;
    answer(&mut peer, "presence", json!({ "agents": { "alice": [] } })).await;
    peer.ack(&asked).await;
    assert_eq!(within(waiting).await.expect("no panic").expect("answered")["agents"]["alice"], json!([]));
    for kind in ["SHUTTING_DOWN", "from_the_future"] {
        assert!(within(client.inbox().recv()).await.expect("open").text.contains(kind));
    }
}

#[tokio::test]
async fn a_given_up_request_leaves_the_others_their_answers() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let given_up = request(&client, "presence");
    let first = peer.expect("presence").await;
    given_up.abort();
    assert!(within(given_up).await.expect_err("aborted").is_cancelled());
    let waiting = request(&client, "presence");
    let second = peer.expect("presence").await;
    for (request, agents) in [(&first, json!({ "old": [] })), (&second, json!({ "new": [] }))] {
        answer(&mut peer, "presence", json!({ "agents": agents })).await;
        peer.ack(request).await;
    }
    assert_eq!(within(waiting).await.expect("no panic").expect("answered")["agents"], json!({ "new": [] }));
}

/// Sends three requests of a kind and answers them in another order, each with its own number as data.
async fn answered_in_another_order(kind: &'static str, answer_kind: &str, more: Value) {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let (mut waiting, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        waiting.push(request(&client, kind));
        asked.push(peer.expect(kind).await);
    }
    for number in [1, 2, 0] {
        let mut payload = more.clone();
        payload["number"] = json!(number);
        payload["ref"] = asked[number]["id"].clone();
        answer(&mut peer, answer_kind, payload).await;
        peer.ack(&asked[number]).await;
    }
    for (number, request) in waiting.into_iter().enumerate() {
        let data = within(request).await.expect("no panic").expect("answered");
        assert_eq!(data["number"], number, "{kind}");
    }
}

#[tokio::test]
async fn data_goes_to_the_request_that_its_ref_names() {
    answered_in_another_order("gitea", "gitea_result", json!({ "action": "get_issue" })).await;
    answered_in_another_order("presence", "presence", json!({ "agents": {} })).await;
    answered_in_another_order("receipts", "receipts", json!({ "agents": {} })).await;
    answered_in_another_order("query", "message", json!({ "channel": "#general", "content": "", "history": [] })).await;
}

#[tokio::test]
async fn data_for_a_request_that_was_given_up_reaches_nobody() {
    let hub = Hub::bind().await;
    let (client, mut peer) = hub.client().await;
    let waiting = request(&client, "presence");
    let asked = peer.expect("presence").await;
    answer(&mut peer, "presence", json!({ "agents": { "old": [] }, "ref": "given-up" })).await;
    answer(&mut peer, "presence", json!({ "agents": { "new": [] }, "ref": asked["id"] })).await;
    peer.ack(&asked).await;
    let data = within(waiting).await.expect("no panic").expect("answered");
    assert_eq!(data["agents"], json!({ "new": [] }));
    peer.message(1, "next").await;
    assert!(within(client.inbox().recv()).await.expect("open").text.contains("next"));
}

#[tokio::test]
async fn an_old_hubs_data_goes_to_who_asked_first_for_its_kind() {
    let hub = Hub::bind().await;
    let (client, mut peer) = old_client(&hub).await;
    assert!(client.is_old_hub());
    let mut waiting = Vec::new();
    let mut asked = Vec::new();
    for kind in ["query", "presence", "query"] {
        waiting.push(request(&client, kind));
        asked.push(peer.expect(kind).await);
    }
    let history = |row: &str| json!({ "channel": "#general", "content": "", "history": [row] });
    for (kind, payload, request) in [
        ("message", history("first"), &asked[0]),
        ("presence", json!({ "agents": { "bob": ["#general"] } }), &asked[1]),
        ("message", history("second"), &asked[2]),
    ] {
        answer(&mut peer, kind, payload).await;
        old_ack(&mut peer, request).await;
    }
    let mut answers = Vec::new();
    for request in waiting {
        answers.push(within(request).await.expect("no panic").expect("answered"));
    }
    assert_eq!(answers[0]["history"], json!(["first"]));
    assert_eq!(answers[1]["agents"], json!({ "bob": ["#general"] }));
    assert_eq!(answers[2]["history"], json!(["second"]));
}

#[tokio::test]
async fn an_old_hubs_error_refuses_the_oldest_and_its_ack_comes_to_nobody() {
    let hub = Hub::bind().await;
    let (client, mut peer) = old_client(&hub).await;
    let refused = request(&client, "gitea");
    let first = peer.expect("gitea").await;
    let accepted = client.send(message("two"));
    let second = peer.expect("message").await;
    answer(&mut peer, "error", json!({ "code": "GITEA_ERROR", "detail": "no" })).await;
    old_ack(&mut peer, &first).await;
    old_ack(&mut peer, &second).await;
    assert!(
        matches!(within(refused).await.expect("no panic"), Err(Error::Refused { code, .. }) if code.as_str() == "GITEA_ERROR")
    );
    let receipt = within(accepted).await.expect("accepted");
    assert!(receipt.seq.is_none() && receipt.ts.is_none() && receipt.delivery.is_empty());
    let reply = client.send(orochi_client::Outgoing { reply_to: orochi_protocol::Seq::new(1), ..message("three") });
    assert!(matches!(within(reply).await, Err(Error::OldHub { what: "reply_to" })));
}

#[tokio::test]
async fn an_old_hub_keeps_nothing_so_a_full_inbox_is_waited_for() {
    const COUNT: usize = 80;
    let hub = Hub::bind().await;
    let (client, mut peer) = old_client(&hub).await;
    let writing = tokio::spawn(async move {
        let content = "x".repeat(1024 * 1024);
        for number in 0..COUNT {
            let payload = json!({ "channel": "#general", "content": content, "metadata": { "number": number } });
            peer.send(json!({ "type": "message", "sender": "bob", "id": "i", "ts": "", "payload": payload })).await;
        }
        peer
    });
    // Fails once the inbox is full; a request before that waits for a hub that is not reading.
    let failed = loop {
        let asked = within(client.heartbeat());
        if let Ok(Err(error)) = tokio::time::timeout(std::time::Duration::from_millis(50), asked).await {
            break error;
        }
    };
    assert!(matches!(&failed, Error::ConnectionLost { reason, .. } if reason.contains("nobody listens")), "{failed}");
    for number in 0..COUNT {
        let frame = within(client.inbox().recv()).await.expect("open");
        let frame: Value = serde_json::from_str(&frame.text).expect("JSON");
        assert_eq!(frame["payload"]["metadata"]["number"], number);
    }
    let mut peer = within(writing).await.expect("no panic");
    // The connection still works.
    let sent = client.send(message("again"));
    let sent_frame = loop {
        let frame = peer.next().await;
        if frame["type"] == "message" {
            break frame;
        }
        old_ack(&mut peer, &frame).await;
    };
    old_ack(&mut peer, &sent_frame).await;
    within(sent).await.expect("accepted");
}
