//! Membership (section 9): an agent's channels are stored with its name.

use serde_json::{Value, json};

use crate::harness::{Socket, TestHub};

/// Registers an agent without channels, so that the hub provides them. Returns the ack's channels.
async fn back(hub: &TestHub, name: &str) -> (Socket, Value) {
    let (socket, ack) = hub.register(name, json!({"resume": "stored"})).await;
    (socket, ack["channels"].clone())
}

#[tokio::test]
async fn membership_is_kept_over_a_restart_and_each_channel_begins_where_it_was_joined() {
    let mut hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#a"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#late", "before bob joined").await;
    bob.ask("subscribe", json!({"channel": "#late"})).await;
    bob.leave().await;
    alice.say("#a", "1").await;
    alice.say("#late", "2").await;
    alice.say("#other", "not for bob").await;
    hub.stop().await;
    hub.start().await;
    let (mut bob, channels) = back(&hub, "bob").await;
    assert_eq!(channels, json!(["#a", "#late"]));
    assert_eq!(bob.contents(2).await, ["1", "2"]);
    bob.nothing_more().await;
    assert_eq!(hub.get("/api/agents").await[0]["channels"], json!(["#a", "#late"]));
}

#[tokio::test]
async fn membership_is_changed_by_what_is_joined_left_and_named_and_not_by_commands_in_no_channel() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#a", "#b"]).await;
    bob.ask("unsubscribe", json!({"channel": "#b"})).await;
    bob.ask("subscribe", json!({"channel": "#c"})).await;
    // Another connection of the name adds its channels.
    let second = hub.agent("bob", &["#d"]).await;
    second.leave().await;
    bob.leave().await;
    hub.agent("bob", &[]).await.leave().await;
    let (socket, channels) = back(&hub, "bob").await;
    assert_eq!(channels, json!(["#a", "#c", "#d"]));
    socket.leave().await;
    // A register that names channels replaces the name's channels.
    hub.agent("bob", &["#z"]).await.leave().await;
    let (mut bob, channels) = back(&hub, "bob").await;
    assert_eq!(channels, json!(["#z"]));
    bob.ask("unsubscribe", json!({"channel": "#z"})).await;
    bob.leave().await;
    assert_eq!(back(&hub, "bob").await.1, json!([]), "it left all of them");
}

#[tokio::test]
async fn membership_of_a_name_that_never_had_any_is_general() {
    let hub = TestHub::open().await;
    hub.agent("bob", &[]).await.leave().await;
    assert_eq!(back(&hub, "bob").await.1, json!(["#general"]));
    assert_eq!(back(&hub, "new").await.1, json!(["#general"]));
    let (_live, ack) = hub.register("live", json!({})).await;
    assert!(ack.get("channels").is_none(), "only who asks for what is kept is told");
}
