//! Direct messages (section 9): their receivers, their channel's name on each side, and who may read them.

use serde_json::{Value, json};

use crate::harness::TestHub;

fn seen(frame: &Value) -> (&str, &str, &str) {
    let payload = &frame["payload"];
    (frame["sender"].as_str().unwrap(), payload["channel"].as_str().unwrap(), payload["content"].as_str().unwrap())
}

#[tokio::test]
async fn a_direct_message_reaches_its_target_and_observers_whatever_it_mentions() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &["#general"]).await;
    let mut alice_too = hub.agent("alice", &["#general"]).await;
    let mut bob = hub.agent("bob", &[]).await;
    let mut bob_too = hub.agent("bob", &["#general"]).await;
    let mut carol = hub.agent("carol", &["#general"]).await;
    let mut observer = hub.observer("").await;

    let ack = alice.say("@bob", "not for @carol, @all of us").await;
    assert_eq!(ack["delivery"], json!({"bob": "online"}));
    for socket in [&mut bob, &mut bob_too] {
        let frame = socket.next().await;
        assert_eq!(seen(&frame), ("alice", "@alice", "not for @carol, @all of us"));
        // A reply to the channel's name reaches the sender.
        socket.nothing_more().await;
    }
    assert_eq!(seen(&observer.next().await), ("alice", "@bob", "not for @carol, @all of us"));
    bob.say("@alice", "answer").await;
    for socket in [&mut alice, &mut alice_too] {
        assert_eq!(seen(&socket.next().await), ("bob", "@bob", "answer"));
    }
    assert_eq!(seen(&observer.next().await), ("bob", "@alice", "answer"));
    for socket in [&mut alice, &mut alice_too, &mut bob, &mut bob_too, &mut carol] {
        socket.nothing_more().await;
    }
}

#[tokio::test]
async fn a_conversation_is_read_by_its_two_sides_only() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob = hub.agent("bob", &[]).await;
    let mut carol = hub.agent("carol", &[]).await;
    alice.say("@bob", "one").await;
    bob.say("@alice", "two").await;
    carol.say("@bob", "three").await;
    let rows = |rows: Vec<Value>| -> Vec<(String, String)> {
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        rows.iter().map(|row| (text(row, "channel"), text(row, "content"))).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    assert_eq!(rows(alice.history(json!({"channel": "@bob"})).await), pairs(&[("@bob", "two"), ("@bob", "one")]));
    assert_eq!(rows(bob.history(json!({"channel": "@alice"})).await), pairs(&[("@alice", "two"), ("@alice", "one")]));
    assert_eq!(rows(carol.history(json!({"channel": "@bob"})).await), pairs(&[("@bob", "three")]));
    assert!(carol.history(json!({"channel": "@alice"})).await.is_empty());
    assert!(bob.history(json!({"channel": "@bob"})).await.is_empty());
    // No channel name gives access to the conversation.
    for channel in ["alice", "#alice", "#bob"] {
        assert!(carol.history(json!({"channel": channel})).await.is_empty(), "{channel}");
    }
    for channel in ["@alice @bob", "@bob @alice", "#@bob"] {
        let code = carol.refused("query", json!({"channel": channel})).await;
        assert!(code.starts_with("INVALID_"), "{channel}: {code}");
    }
}

#[tokio::test]
async fn only_the_two_sides_may_answer_a_direct_message_or_ask_how_far_it_got() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob = hub.agent("bob", &[]).await;
    let mut carol = hub.agent("carol", &[]).await;
    alice.say("@bob", "secret of @carol").await;
    assert_eq!(bob.contents(1).await, ["secret of @carol"]);
    let reply = json!({"channel": "@alice", "content": "re", "reply_to": 1});
    assert_eq!(carol.refused("message", reply.clone()).await, "INVALID_FIELD");
    bob.ask("message", reply).await;
    assert_eq!(alice.next().await["payload"]["reply_to"], 1);
    assert_eq!(carol.refused("receipts", json!({"seq": 1})).await, "FORBIDDEN");
    for socket in [&mut alice, &mut bob] {
        let receipts = socket.answer("receipts", json!({"seq": 1})).await;
        assert_eq!(receipts["agents"], json!({"bob": "delivered"}), "only its target");
    }
}

#[tokio::test]
async fn a_direct_message_waits_for_an_agent_that_has_never_been_there() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    assert_eq!(alice.say("@bob", "when you start").await["delivery"], json!({"bob": "unknown"}));
    alice.say("@carol", "not yours").await;
    let (mut bob, _) = hub.register("bob", json!({"channels": [], "resume": "stored"})).await;
    assert_eq!(seen(&bob.next().await), ("alice", "@alice", "when you start"));
    bob.nothing_more().await;
}
