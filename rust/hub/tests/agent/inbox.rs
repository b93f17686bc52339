//! The inbox over HTTP (section 7): messages that wait for an agent without a connection.

use serde_json::{Value, json};

use crate::harness::{Socket, TestHub, in_time};

fn contents(inbox: &Value) -> Vec<&str> {
    inbox["messages"].as_array().unwrap().iter().map(|row| row["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn inbox_has_what_is_addressed_until_the_agent_says_seen_also_of_a_name_that_never_registered() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    assert_eq!(
        hub.get("/api/agents/bob/inbox").await,
        json!({"messages": [], "more": false, "cursor": null, "seq": 0})
    );
    alice.say("@bob", "1").await;
    alice.say("#c", "not for bob").await;
    alice.say("#c", "@bob 2").await;
    alice.say("@bob", "3").await;
    let inbox = hub.get("/api/agents/bob/inbox?limit=2").await;
    assert_eq!((contents(&inbox), &inbox["more"]), (vec!["1", "@bob 2"], &json!(true)));
    // In bob's view, the channel is alice, so that a reply reaches her.
    assert_eq!(inbox["messages"][0]["channel"], "@alice");
    assert_eq!(hub.get("/api/agents/bob/inbox?limit=2").await, inbox, "looking consumes nothing");

    assert_eq!(hub.post("/api/agents/bob/seen", &json!({"seq": 3})).await, Value::Null);
    let inbox = hub.get("/api/agents/bob/inbox").await;
    assert_eq!((contents(&inbox), &inbox["cursor"]), (vec!["3"], &json!(3)));
    assert_eq!(alice.answer("receipts", json!({"seq": 1})).await["agents"]["bob"], "seen");
    assert_eq!(hub.post("/api/agents/bob/seen", &json!({"seq": 99})).await["code"], "INVALID_FIELD");
    assert_eq!(hub.post("/api/agents/bob/seen", &json!({})).await["code"], "MISSING_FIELD");
    assert_eq!(hub.get("/api/agents/a b/inbox").await["code"], "INVALID_NAME");
    // A later connection continues from there.
    let (mut bob, _) = hub.register("bob", json!({"channels": [], "resume": "stored"})).await;
    assert_eq!(bob.contents(1).await, ["3"]);
}

#[tokio::test]
async fn inbox_that_is_waited_for_answers_with_the_message_and_shows_the_agent_as_online_meanwhile() {
    let hub = TestHub::open().await;
    let mut observer = hub.observer("").await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("@bob", "0").await;
    hub.post("/api/agents/bob/seen", &json!({"seq": 1})).await;
    let is_bob = |event: &'static str| {
        move |frame: &Value| {
            frame["type"] == "presence_change"
                && frame["payload"]["agent"] == "bob"
                && frame["payload"]["event"] == event
        }
    };
    let waiting = hub.get("/api/agents/bob/inbox?wait=50");
    let telling = async {
        observer.next_that(is_bob("connected")).await;
        alice.say("#c", "nothing for bob").await;
        alice.say("@bob", "wake up").await
    };
    let (inbox, ack) = tokio::join!(waiting, telling);
    assert_eq!(contents(&inbox), ["wake up"]);
    assert_eq!((&ack["delivery"]["bob"], &ack["reach"]["bob"]), (&json!("online"), &json!("poll")));
    observer.next_that(is_bob("disconnected")).await;
    assert_eq!(hub.get("/api/agents?all=true").await[1]["online"], false);
    // Waiting messages are returned at once, and nobody is notified.
    assert_eq!(contents(&hub.get("/api/agents/bob/inbox?wait=50").await), ["wake up"]);
}

#[tokio::test]
async fn inbox_wait_that_is_given_up_leaves_the_agent_offline_and_the_message_where_it_was() {
    let hub = TestHub::open().await;
    let mut observer = hub.observer("").await;
    let waiting = hub.get("/api/agents/bob/inbox?wait=50");
    let online = observer.next_that(|frame| frame["payload"]["event"] == "connected");
    in_time(async {
        tokio::select! {
            _ = waiting => panic!("there is nothing to answer with"),
            _ = online => {}
        }
    })
    .await;
    observer.next_that(|frame| frame["payload"]["event"] == "disconnected").await;
    let mut alice: Socket = hub.agent("alice", &[]).await;
    assert_eq!(alice.say("@bob", "1").await["delivery"]["bob"], "offline");
    assert_eq!(contents(&hub.get("/api/agents/bob/inbox").await), ["1"]);
}
