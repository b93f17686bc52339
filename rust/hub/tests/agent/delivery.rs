//! The receivers of a message, and its number, order and content (sections 1, 5, 9 and 10).

use serde_json::{Value, json};

use crate::harness::TestHub;

#[tokio::test]
async fn a_message_reaches_members_and_mentioned_agents_once_and_nobody_else() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &["#c"]).await;
    let mut alice_too = hub.agent("alice", &["#c", "#d"]).await;
    let mut member = hub.agent("member", &["#c"]).await;
    let mut both = hub.agent("both", &["#c", "#general"]).await;
    let mut mentioned = hub.agent("mentioned", &["#elsewhere"]).await;
    let mut outsider = hub.agent("outsider", &["#elsewhere", "#cc"]).await;
    let mut observer = hub.observer("").await;

    let ack = alice.say("#c", "@both @mentioned, @both again, and @alice herself").await;
    assert_eq!(ack["delivery"], json!({"both": "online", "mentioned": "online"}), "a mention of oneself is plain text");
    for receiver in [&mut member, &mut both, &mut mentioned] {
        let frame = receiver.next().await;
        assert_eq!((&frame["seq"], &frame["payload"]["channel"]), (&json!(1), &json!("#c")));
        assert_eq!(frame["payload"]["mentions"], json!(["both", "mentioned", "alice"]));
        receiver.nothing_more().await;
    }
    assert_eq!(observer.next().await["seq"], 1);
    for other in [&mut alice, &mut alice_too, &mut outsider] {
        other.nothing_more().await;
    }
}

#[tokio::test]
async fn what_a_mention_is() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &[]).await;
    let mut lab = hub.agent("gpu-1.lab", &[]).await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "mail me@bob.com or x_@bob, not @bobby").await;
    bob.nothing_more().await;
    alice.say("#c", "(@bob) and @gpu-1.lab, done.").await;
    alice.say("#c", "@gpu-1.lab. and ask @bob-").await;
    for receiver in [&mut bob, &mut lab] {
        assert_eq!(receiver.contents(2).await.len(), 2);
        receiver.nothing_more().await;
    }
}

#[tokio::test]
async fn the_frame_is_the_hubs_stamp_around_the_senders_words() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "first").await;
    bob.next().await;
    let payload = r##"{"color":"grün","channel":"c","n":1.50,"big":12345678901234567890123,"content":"hi \u0000 ☃ @bob",
        "metadata":{"cost":0.10,"deep":[[1e300]]},"reply_to":1,"mentions":["eve"],"null":null}"##;
    let frame =
        format!(r#"{{"type":"message","id":"mine","sender":"alice","ts":"1999-01-01T00:00:00Z","payload":{payload}}}"#);
    alice.send_raw(tokio_tungstenite::tungstenite::Message::text(frame)).await;
    let ack = alice.reply("mine").await;

    let frame = bob.next().await;
    let keys: Vec<&String> = frame.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["type", "sender", "id", "ts", "payload", "seq"]);
    assert_eq!((&frame["type"], &frame["sender"], &frame["id"]), (&json!("message"), &json!("alice"), &json!("mine")));
    assert_eq!((&frame["ts"], &frame["seq"]), (&ack["payload"]["ts"], &json!(2)));
    let ts = frame["ts"].as_str().unwrap();
    assert!(ts.len() == 32 && ts.ends_with("+00:00") && !ts.starts_with("1999"), "{ts}");
    let payload = &frame["payload"];
    assert_eq!((&payload["channel"], &payload["content"]), (&json!("#c"), &json!("hi \0 ☃ @bob")));
    assert_eq!((&payload["mentions"], &payload["reply_to"]), (&json!(["bob"]), &json!(1)));
    assert_eq!((&payload["color"], payload.get("null")), (&json!("grün"), Some(&Value::Null)));

    alice.say("#c", "plain").await;
    assert_eq!(
        bob.next().await["payload"],
        json!({"channel": "#c", "content": "plain", "metadata": {}, "mentions": []})
    );
}

#[tokio::test]
async fn numbers_are_relayed_digit_by_digit_live_and_from_the_log() {
    let hub = TestHub::open().await;
    let mut live = hub.agent("live", &["#c"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    let numbers = r#"{"n":1.50,"big":12345678901234567890123,"e":1E5}"#;
    let frame = format!(
        r##"{{"type":"message","id":"q","payload":{{"channel":"#c","content":"x","metadata":{numbers},"extra":{numbers}}}}}"##
    );
    alice.send_raw(tokio_tungstenite::tungstenite::Message::text(frame)).await;
    alice.reply("q").await;
    let (mut late, _) = hub.register("late", json!({"channels": ["#c"], "resume": 0})).await;
    for receiver in [&mut live, &mut late] {
        let text = receiver.next_text().await;
        assert_eq!(text.matches(numbers).count(), 2, "{text}");
    }
}

#[tokio::test]
async fn everyone_gets_everything_in_the_order_of_the_log() {
    const EACH: usize = 200;
    let hub = TestHub::open().await;
    let mut readers =
        vec![hub.agent("r1", &["#c"]).await, hub.agent("r2", &["#c", "#d"]).await, hub.observer("").await];
    let mut senders = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let mut sender = hub.agent(name, &[]).await;
        senders.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for n in 0..EACH {
                ids.push(sender.request("message", json!({"channel": "#c", "content": n.to_string()})).await);
            }
            for id in ids {
                assert_eq!(sender.reply(&id).await["type"], "ack");
            }
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
    for reader in &mut readers {
        let mut last = std::collections::HashMap::new();
        for seq in 1..=4 * EACH {
            let frame = reader.next_message().await;
            assert_eq!(frame["seq"], seq);
            let n: i64 = frame["payload"]["content"].as_str().unwrap().parse().unwrap();
            let before = last.insert(frame["sender"].as_str().unwrap().to_owned(), n).unwrap_or(-1);
            assert_eq!(n, before + 1, "one sender's messages keep their order");
        }
    }
    for reader in &mut readers[..2] {
        reader.nothing_more().await;
    }
}

#[tokio::test]
async fn the_same_message_again_is_acked_as_the_first_and_reaches_nobody_twice() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    let message = |content: &str, metadata: &str| {
        let text = format!(
            r##"{{"type":"message","id":"m1","payload":{{"channel":"#c","content":"{content}","metadata":{metadata}}}}}"##
        );
        tokio_tungstenite::tungstenite::Message::text(text)
    };
    alice.send_raw(message("one", r#"{"a":1}"#)).await;
    let first = alice.reply("m1").await["payload"].clone();
    assert_eq!((&first["seq"], first.get("duplicate")), (&json!(1), None));
    // Sent twice at once, so that both can be in one batch. Spaces in the metadata don't make another message.
    alice.send_raw(message("one", r#"{"a":1}"#)).await;
    alice.send_raw(message("one", r#"{ "a": 1 }"#)).await;
    for _ in 0..2 {
        let again = alice.reply("m1").await["payload"].clone();
        assert_eq!((&again["seq"], &again["ts"], &again["duplicate"]), (&first["seq"], &first["ts"], &json!(true)));
    }
    // An id belongs to its sender: another sender may use it, but a new connection of the first sender may not.
    let mut carol = hub.agent("carol", &[]).await;
    carol.send_raw(message("other", "{}")).await;
    assert_eq!(carol.reply("m1").await["payload"]["seq"], 2);
    let mut alice_again = hub.agent("alice", &[]).await;
    alice_again.send_raw(message("one", r#"{"a":1}"#)).await;
    assert_eq!(alice_again.reply("m1").await["payload"]["duplicate"], true);
    assert_eq!(bob.contents(2).await, ["one", "other"]);
    bob.nothing_more().await;
}

#[tokio::test]
async fn a_uuid_written_in_other_letters_is_another_id_and_comes_back_as_it_was() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    let ids = [
        "0197f3c0-0000-7000-8000-00000000000a",
        "0197F3C0-0000-7000-8000-00000000000A",
        "0197f3c000007000800000000000000a",
    ];
    for id in ids {
        alice.send(&json!({"type": "message", "id": id, "payload": {"channel": "#c", "content": "x"}})).await;
        assert_eq!(alice.reply(id).await["payload"].get("duplicate"), None, "{id}");
        assert_eq!(bob.next().await["id"], id);
    }
    let rows = bob.history(json!({"channel": "#c"})).await;
    assert_eq!(rows.iter().rev().map(|row| row["msg_id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
}

#[tokio::test]
async fn the_ack_says_where_each_addressed_agent_is() {
    let hub = TestHub::open().await;
    let _here = hub.agent("here-1", &[]).await;
    hub.agent("gone", &[]).await.leave().await;
    let mut alice = hub.agent("alice", &["#c"]).await;
    let mut observer = hub.observer("").await;
    assert_eq!(alice.say("#c", "nobody").await["delivery"], json!({}));
    let ack = alice.say("#c", "@here-1 @gone @never").await;
    assert_eq!(ack["delivery"], json!({"here-1": "online", "gone": "offline", "never": "unknown"}));
    assert_eq!(alice.say("@gone", "hi @here-1").await["delivery"], json!({"gone": "offline"}));
    // Without an id in the frame, the hub creates one, and the ack names it.
    alice.send(&json!({"type": "message", "payload": {"channel": "#c", "content": "x"}})).await;
    let ack = alice.next().await;
    assert_eq!(ack["payload"]["seq"], 4);
    for _ in 0..3 {
        observer.next().await;
    }
    assert_eq!(observer.next().await["id"], ack["payload"]["ref"]);
}

#[tokio::test]
async fn joining_and_leaving_a_channel_take_effect_at_their_ack() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &[]).await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("c", "before").await;
    bob.ask("subscribe", json!({"channel": "c"})).await;
    bob.ask("subscribe", json!({"channel": "#c"})).await;
    alice.say("c", "in").await;
    bob.ask("unsubscribe", json!({"channel": "c"})).await;
    bob.ask("unsubscribe", json!({"channel": "#never"})).await;
    alice.say("c", "after").await;
    assert_eq!(bob.contents(1).await, ["in"]);
    bob.nothing_more().await;
}
