//! POST /api/messages: a program's message has the same effect as an agent's.

use reqwest::StatusCode;
use serde_json::json;

use crate::harness::TestHub;

#[tokio::test]
async fn a_posted_message_is_answered_with_its_place_and_reaches_the_channel() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#build"]).await;
    let body = json!({
        "sender": "ci", "channel": "build", "content": "green, @bob and @carol", "id": "run-7",
        "metadata": {"took": 1.50}, "color": "green",
    });
    let (status, answer) = hub.post(body).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!((&answer["seq"], &answer["id"]), (&json!(1), &json!("run-7")));
    assert_eq!(answer["delivery"], json!({"bob": "online", "carol": "unknown"}));
    assert_eq!(answer.get("duplicate"), None);

    let frame = bob.next().await;
    assert_eq!((&frame["type"], &frame["sender"], &frame["id"]), (&json!("message"), &json!("ci"), &json!("run-7")));
    assert_eq!((&frame["seq"], &frame["ts"]), (&json!(1), &answer["ts"]));
    let payload = &frame["payload"];
    assert_eq!(payload["channel"], "#build");
    assert_eq!(payload["metadata"], json!({"took": 1.5}));
    assert_eq!((&payload["color"], payload.get("id"), payload.get("sender")), (&json!("green"), None, None));
}

#[tokio::test]
async fn the_same_message_again_is_the_first_one() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#build"]).await;
    let message = json!({"sender": "ci", "channel": "build", "content": "green", "id": "run-7"});
    let (_, first) = hub.post(message.clone()).await;
    let (status, again) = hub.post(message).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&again["seq"], &again["ts"], &again["duplicate"]), (&first["seq"], &first["ts"], &json!(true)));
    hub.say("ci", "build", "next").await;
    assert_eq!(bob.next().await["payload"]["content"], "green");
    assert_eq!(bob.next().await["payload"]["content"], "next");
}

#[tokio::test]
async fn without_an_id_the_hub_makes_one_that_grows_with_time() {
    let hub = TestHub::open().await;
    let first = hub.say("ci", "#build", "one").await["id"].as_str().unwrap().to_owned();
    let second = hub.say("ci", "#build", "two").await["id"].as_str().unwrap().to_owned();
    assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 7);
    assert!(first < second);
}

#[tokio::test]
async fn an_answer_names_a_message_that_its_sender_may_see() {
    let hub = TestHub::open().await;
    hub.say("alice", "@bob", "secret").await;
    let answer = |sender: &str| json!({"sender": sender, "channel": "#c", "content": "re", "reply_to": 1});
    assert_eq!(hub.post(answer("bob")).await.0, StatusCode::CREATED);
    let (status, refusal) = hub.post(answer("carol")).await;
    assert_eq!((status.as_u16(), &refusal["code"]), (422, &json!("INVALID_FIELD")));
    assert_eq!(hub.get("/api/history/c?reply_to=1").await[0]["reply_to"], 1);
}

#[tokio::test]
async fn receipts_follow_a_posted_message() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#build"]).await;
    hub.say("ci", "build", "@bob @carol look").await;
    assert_eq!(bob.next().await["seq"], 1);
    bob.send(json!({"type": "heartbeat", "payload": {"seen": 1}})).await;
    assert_eq!(bob.next().await["type"], "ack");
    let receipts = json!({"seq": 1, "agents": {"bob": "seen", "carol": "pending"}});
    assert_eq!(hub.get("/api/messages/1/receipts").await, receipts);
    assert_eq!(hub.get("/api/messages/1/receipts?agent=dave").await, receipts);
}
