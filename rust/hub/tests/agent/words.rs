//! Names and mentions of every script (section 4). The hub's decision is the same live, in a resume, in rows and in
//! receipts.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::TestHub;

#[tokio::test]
async fn mentions_next_to_unspaced_scripts_reach_the_agent_they_name() {
    let hub = TestHub::open().await;
    let mut scout = hub.agent("Scout", &[]).await;
    let mut alice = hub.agent("alice", &[]).await;
    let contents =
        ["交给@Scout处理", "＠Scout", "@Scoutさん", "담당@Scout에게", "ถาม@Scoutหน่อย", "@scout", "@SCOUTさん"];
    for content in contents {
        let ack = alice.say("#c", content).await;
        assert_eq!(ack["delivery"], json!({"Scout": "online"}), "{content}");
        let frame = scout.next().await;
        assert_eq!(frame["payload"]["content"], content);
        assert_eq!(frame["payload"]["mentions"], json!(["Scout"]));
    }
    // From now on an agent has exactly that name, and another spelling makes the case ambiguous.
    let mut longer = hub.agent("Scoutさん", &[]).await;
    let _spelling = hub.agent("SCOUT", &[]).await;
    assert_eq!(alice.say("#c", "@Scoutさん").await["delivery"], json!({"Scoutさん": "online"}));
    assert_eq!(alice.say("#c", "@scout").await["delivery"], json!({"scout": "unknown"}));
    assert_eq!(longer.contents(1).await, ["@Scoutさん"]);
    scout.nothing_more().await;
}

#[tokio::test]
async fn mentions_are_stored_as_resolved_so_that_a_resume_is_what_was_live() {
    let mut hub = TestHub::open().await;
    let mut scout = hub.agent("Scout", &[]).await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "@scoutさん 1").await;
    let live = scout.next().await;
    scout.leave().await;
    alice.say("#c", "@scoutさん 2").await;
    // It registers too late for the earlier messages.
    let mut late = hub.register("scoutさん", json!({"channels": [], "resume": "stored"})).await.0;
    late.nothing_more().await;
    for is_restarted in [false, true] {
        if is_restarted {
            hub.stop().await;
            hub.start().await;
            alice = hub.agent("alice", &[]).await;
        }
        let mut back = hub.register("Scout", json!({"channels": [], "resume": 0})).await.0;
        assert_eq!(back.next().await, live);
        assert_eq!(back.next().await["payload"]["mentions"], json!(["Scout"]));
        back.nothing_more().await;
        let rows = alice.history(json!({"channel": "#c"})).await;
        assert_eq!(
            rows.iter().map(|row| row["mentions"].clone()).collect::<Vec<_>>(),
            [json!(["Scout"]), json!(["Scout"])]
        );
        let receipts = alice.answer("receipts", json!({"seq": 2})).await;
        assert_eq!(receipts["agents"].as_object().unwrap().keys().collect::<Vec<_>>(), ["Scout"]);
        back.leave().await;
    }
}

#[tokio::test]
async fn mentions_of_a_repeated_message_are_those_of_the_first() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let message = json!({"type": "message", "id": "mine", "payload": {"channel": "#c", "content": "@scout"}});
    alice.send(&message).await;
    assert_eq!(alice.reply("mine").await["payload"]["delivery"], json!({"scout": "unknown"}));
    let mut scout = hub.agent("Scout", &[]).await;
    alice.send(&message).await;
    let again = alice.reply("mine").await;
    assert_eq!((&again["payload"]["duplicate"], &again["payload"]["seq"]), (&json!(true), &json!(1)));
    assert_eq!(again["payload"]["delivery"], json!({"scout": "unknown"}));
    scout.nothing_more().await;
}

#[tokio::test]
async fn mentions_are_those_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/words/mentions.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let known = |case: &Value| case["registered"].as_array().cloned().unwrap_or_default();
    // Cases with the same agents share a hub.
    let mut rosters: Vec<Vec<Value>> = cases.iter().map(known).collect();
    rosters.sort_by_key(|roster| json!(roster).to_string());
    rosters.dedup();
    for roster in rosters {
        let hub = TestHub::open().await;
        let mut observer = hub.observer("").await;
        for name in &roster {
            hub.agent(name.as_str().unwrap(), &[]).await.leave().await;
        }
        let mut sender = hub.agent("sender", &[]).await;
        for case in cases.iter().filter(|case| known(case) == roster) {
            sender.say("#c", case["content"].as_str().unwrap()).await;
            assert_eq!(observer.next_message().await["payload"]["mentions"], case["mentions"], "{case}");
        }
    }
}

#[tokio::test]
async fn names_are_one_in_every_normal_form() {
    let hub = TestHub::open().await;
    let (decomposed, composed) = ("Jose\u{301}", "José");
    let mut jose = hub.agent(decomposed, &["cafe\u{301}"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    assert_eq!(alice.answer("presence", json!({})).await["agents"][composed], json!(["#café"]));
    for (channel, content) in
        [("#c", "@José"), ("#c", "@Jose\u{301}"), ("#café", "hi"), ("@José", "hi"), ("@Jose\u{301}", "hi")]
    {
        alice.say(channel, content).await;
        assert_eq!(jose.contents(1).await, [content]);
    }
    // Its frames may have the registered spelling or the composed one.
    for sender in [decomposed, composed] {
        jose.send(&json!({"type": "message", "sender": sender, "id": sender, "payload": {"channel": "@alice", "content": "yes"}})).await;
        assert_eq!(jose.reply(sender).await["type"], "ack");
        let frame = alice.next().await;
        assert_eq!((&frame["sender"], &frame["payload"]["channel"]), (&json!("José"), &json!("@José")));
    }
    assert_eq!(alice.history(json!({"channel": "@Jose\u{301}"})).await.len(), 4);
    assert_eq!(jose.history(json!({"channel": "#café", "sender": "alice"})).await.len(), 1);
    let mut hindi = hub.agent("हिन्दी", &[]).await;
    alice.say("#c", "@हिन्दी, ठीक?").await;
    assert_eq!(hindi.contents(1).await, ["@हिन्दी, ठीक?"]);
    jose.nothing_more().await;
}

#[tokio::test]
async fn names_that_are_not_seen_whole_are_refused() {
    let hub = TestHub::open().await;
    for name in ["a\u{3164}", "\u{115f}", "a\u{200d}b", "\u{301}a"] {
        let mut socket = hub.connect().await;
        socket.send(&json!({"type": "register", "sender": name, "id": "r", "payload": {}})).await;
        assert_eq!(socket.reply("r").await["payload"]["code"], "INVALID_NAME", "{name:?}");
    }
    let mut alice = hub.agent("alice", &[]).await;
    assert_eq!(alice.refused("subscribe", json!({"channel": "#a\u{3164}"})).await, "INVALID_CHANNEL");
    assert_eq!(alice.refused("message", json!({"channel": "@a\u{ffa0}", "content": "x"})).await, "INVALID_NAME");
}

#[tokio::test]
async fn mentions_in_fenced_code_are_nobodys_and_more_than_256_are_refused() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &[]).await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "```py\n@bob\n```").await;
    alice.say("#c", "run `@bob`").await;
    assert_eq!(bob.contents(1).await, ["run `@bob`"]);
    let many = |count: usize| (0..count).map(|n| format!("@a{n} ")).collect::<String>();
    assert_eq!(alice.refused("message", json!({"channel": "#c", "content": many(257)})).await, "TOO_LARGE");
    assert_eq!(alice.say("#c", &many(256)).await["delivery"].as_object().unwrap().len(), 256);
    assert_eq!(alice.say("#c", &format!("```\n{}\n```", many(1000))).await["delivery"], json!({}));
}

#[tokio::test]
async fn until_a_date_is_until_its_last_moment() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "today").await;
    let rows = alice.history(json!({"channel": "#c"})).await;
    let today = &rows[0]["ts"].as_str().unwrap()[..10];
    assert_eq!(alice.history(json!({"channel": "#c", "since": today, "until": today})).await, rows);
    assert_eq!(hub.get(&format!("/api/history/c?until={today}")).await, json!(rows));
    let found = hub.get(&format!("/api/search?q=today&until={today}")).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(alice.history(json!({"channel": "#c", "until": "2020-01-01"})).await.len(), 0);
}
