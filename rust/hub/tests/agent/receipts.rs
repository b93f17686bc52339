//! Receipts (section 9): how far a message got. Only the agent itself can make a message `seen`.

use serde_json::{Value, json};

use crate::harness::TestHub;

#[tokio::test]
async fn each_agent_is_pending_then_delivered_then_seen() {
    let hub = TestHub::open().await;
    hub.agent("gone", &["#c"]).await.leave().await;
    let mut alice = hub.agent("alice", &["#c"]).await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    let mut carol = hub.agent("carol", &[]).await;
    alice.say("#c", "@carol @gone @never and @alice").await;
    let receipts = |states: [&str; 4]| json!({"seq": 1, "agents": {"bob": states[0], "carol": states[1], "gone": states[2], "never": states[3]}});
    bob.next().await;
    carol.next().await;
    let asked = alice.answer("receipts", json!({"seq": 1})).await;
    assert_eq!(asked, receipts(["delivered", "delivered", "pending", "pending"]), "the sender is not listed");

    bob.ask("heartbeat", json!({"seen": 1})).await;
    let (mut gone, _) = hub.register("gone", json!({"channels": [], "resume": "stored"})).await;
    gone.next().await;
    let expected = receipts(["seen", "delivered", "delivered", "pending"]);
    // Anyone may read the receipts of a channel's message, registered or not, and HTTP answers the same.
    assert_eq!(carol.answer("receipts", json!({"seq": 1})).await, expected);
    assert_eq!(hub.connect().await.answer("receipts", json!({"seq": 1})).await, expected);
    assert_eq!(hub.get("/api/messages/1/receipts").await, expected);

    // `delivered` stays when the agent leaves. A member that leaves the channel has no receipt any more.
    gone.leave().await;
    bob.ask("unsubscribe", json!({"channel": "#c"})).await;
    let asked = alice.answer("receipts", json!({"seq": 1})).await;
    assert_eq!(asked["agents"], json!({"carol": "delivered", "gone": "delivered", "never": "pending"}));
}

#[tokio::test]
async fn a_member_that_came_later_has_not_been_given_it() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &["#c"]).await;
    alice.say("#c", "early").await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    alice.say("#c", "late").await;
    bob.next().await;
    let state = |answer: Value| answer["agents"]["bob"].as_str().unwrap().to_owned();
    assert_eq!(state(alice.answer("receipts", json!({"seq": 1})).await), "pending");
    assert_eq!(state(alice.answer("receipts", json!({"seq": 2})).await), "delivered");
}

#[tokio::test]
async fn after_a_restart_only_seen_is_left() {
    let mut hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob = hub.agent("bob", &[]).await;
    alice.say("@bob", "1").await;
    alice.say("@bob", "2").await;
    bob.contents(2).await;
    bob.ask("heartbeat", json!({"seen": 1})).await;
    assert_eq!(alice.answer("receipts", json!({"seq": 2})).await["agents"]["bob"], "delivered");
    hub.stop().await;
    hub.start().await;
    let mut alice = hub.agent("alice", &[]).await;
    assert_eq!(alice.answer("receipts", json!({"seq": 1})).await["agents"]["bob"], "seen");
    assert_eq!(alice.answer("receipts", json!({"seq": 2})).await["agents"]["bob"], "pending");
}
