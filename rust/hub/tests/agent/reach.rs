//! Reach and offers (section 9): senders learn how a message reaches its reader, and that the reader was shown it.

use orochi_hub::Config;
use serde_json::{Value, json};

use crate::harness::{Socket, TestHub};

#[tokio::test]
async fn reach_is_told_in_acks_rows_and_posts_and_is_the_best_of_an_agents_connections() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    assert!(alice.say("@bob", "are you there?").await.get("reach").is_none(), "nobody is online");
    let (mut slow, _) = hub.register("bob", json!({"channels": []})).await;
    assert_eq!(alice.say("@bob", "1").await["reach"], json!({"bob": "poll"}));
    let (fast, _) = hub.register("bob", json!({"channels": [], "reach": "wake"})).await;
    assert_eq!(alice.say("#c", "@bob @nobody").await["reach"], json!({"bob": "wake"}));
    assert_eq!(hub.get("/api/agents").await[1]["reach"], "wake");
    assert_eq!(alice.answer("presence", json!({"detail": true})).await["detail"]["bob"]["reach"], "wake");

    fast.leave().await;
    slow.ask("heartbeat", json!({"reach": "turn"})).await;
    assert_eq!(alice.say("@bob", "2").await["reach"], json!({"bob": "turn"}));
    // A second register without `reach` does not change it.
    slow.register("bob", json!({"channels": []})).await;
    let posted = hub.post("/api/messages", &json!({"sender": "ci", "channel": "@bob", "content": "3"})).await;
    assert_eq!(posted["reach"], json!({"bob": "turn"}));
    slow.leave().await;
    assert_eq!(hub.get("/api/agents?all=true").await[1]["reach"], Value::Null);
}

#[tokio::test]
async fn reach_of_a_status_event_is_the_agents() {
    let hub = TestHub::open().await;
    let mut observer = hub.observer("").await;
    let (mut bob, _) = hub.register("bob", json!({"channels": [], "reach": "wake"})).await;
    bob.ask("heartbeat", json!({"reach": "turn"})).await;
    bob.ask("status_update", json!({"current_task": "wake budget spent"})).await;
    let told = observer.next_that(|frame| frame["type"] == "status_update").await;
    assert_eq!(told["payload"]["reach"], "turn");
}

#[tokio::test]
async fn offered_stands_between_delivered_and_seen_and_ends_with_its_connection() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob = hub.agent("bob", &[]).await;
    alice.say("@bob", "1").await;
    alice.say("@bob", "2").await;
    bob.contents(2).await;
    bob.ask("heartbeat", json!({"offered": 1})).await;
    // `offered` changes only receipts of delivered messages, and never moves one back.
    bob.ask("heartbeat", json!({"offered": 0})).await;
    let states = async |alice: &mut Socket| {
        let mut states = Vec::new();
        for seq in [1, 2] {
            states.push(alice.answer("receipts", json!({"seq": seq})).await["agents"]["bob"].clone());
        }
        states
    };
    assert_eq!(states(&mut alice).await, ["offered", "delivered"]);
    bob.leave().await;
    assert_eq!(states(&mut alice).await, ["delivered", "delivered"], "what it was offered is offered again");
    let (mut bob, _) = hub.register("bob", json!({"channels": [], "resume": "stored"})).await;
    assert_eq!(bob.contents(2).await, ["1", "2"], "an offer moves no cursor");
    bob.ask("heartbeat", json!({"offered": 2, "seen": 1})).await;
    assert_eq!(states(&mut alice).await, ["seen", "offered"]);
    assert_eq!(bob.refused("heartbeat", json!({"offered": 3})).await, "INVALID_FIELD");
    assert_eq!(hub.connect().await.refused("heartbeat", json!({"offered": 1})).await, "NOT_REGISTERED");
}

#[tokio::test]
async fn dashboards_port_serves_agents_under_agent() {
    let hub = TestHub::with(|config| *config = Config { token: "s3cret".into(), ..std::mem::take(config) }).await;
    let host = hub.hub().ready.dashboard_url.strip_prefix("http://").unwrap().to_owned();
    let mut alice = Socket::connect(&format!("ws://{host}/agent?token=s3cret")).await;
    alice.register("alice", json!({})).await;
    alice.say("#general", "hi").await;
    // A wrong token is reported in a frame, as on the agent port.
    let mut stranger = Socket::connect(&format!("ws://{host}/agent?token=no")).await;
    assert_eq!(stranger.next().await["payload"]["code"], "AUTH_FAILED");
    assert_eq!(stranger.closed().await, 4001);
}
