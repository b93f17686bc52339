//! Resume (section 9): missed messages come after the ack, then live ones, without gap or repetition.

use serde_json::{Value, json};

use crate::harness::{Socket, TestHub};

/// More messages than the core keeps in memory, so that they are read from the log.
const MANY: usize = 2000;

/// Sends `count` messages without waiting in between. Their texts are `from`, `from + 1`, ….
async fn say_many(socket: &mut Socket, channel: &str, from: usize, count: usize) {
    let mut ids = Vec::with_capacity(count);
    for n in from..from + count {
        ids.push(socket.request("message", json!({"channel": channel, "content": n.to_string()})).await);
    }
    for id in ids {
        assert_eq!(socket.reply(&id).await["type"], "ack");
    }
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn without_resume_only_what_is_live_comes() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "@bob before").await;
    let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"]})).await;
    assert_eq!((&ack["seq"], &ack["cursor"], ack.get("resumed")), (&json!(1), &Value::Null, None));
    assert!(ack["heartbeat"].as_u64().unwrap() > 0 && ack["epoch"].as_str().unwrap().len() == 36, "{ack}");
    alice.say("#c", "after").await;
    assert_eq!(bob.contents(1).await, ["after"]);
    bob.nothing_more().await;
}

#[tokio::test]
async fn a_number_gives_exactly_what_is_addressed_to_the_agent_after_it() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob_before = hub.agent("bob", &[]).await;
    for (channel, content) in
        [("#c", "1"), ("#d", "2"), ("#d", "3 @bob"), ("@bob", "4"), ("@carol", "5 @bob"), ("#c", "6 @bob")]
    {
        alice.say(channel, content).await;
    }
    bob_before.say("#c", "7 own").await;
    bob_before.leave().await;
    for (resume, expected) in [
        (0, vec!["1", "3 @bob", "4", "6 @bob"]),
        (1, vec!["3 @bob", "4", "6 @bob"]),
        (3, vec!["4", "6 @bob"]),
        (6, vec![]),
        (7, vec![]),
    ] {
        let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"], "resume": resume})).await;
        assert_eq!((&ack["resumed"], &ack["seq"]), (&json!(true), &json!(7)));
        assert_eq!(bob.contents(expected.len()).await, expected, "after {resume}");
        bob.nothing_more().await;
        bob.leave().await;
    }
    let mut bob = hub.connect().await;
    assert_eq!(bob.refused("register", json!({"resume": 8})).await, "INVALID_NAME", "a register needs a sender");
    bob.send(&json!({"type": "register", "sender": "bob", "id": "q", "payload": {"resume": 8}})).await;
    assert_eq!(bob.reply("q").await["payload"]["code"], "RESUME_BEYOND");
    assert_eq!(bob.refused("subscribe", json!({"channel": "#c"})).await, "NOT_REGISTERED", "it changed nothing");
}

#[tokio::test]
async fn stored_goes_on_after_the_cursor_that_the_agents_own_seen_moved() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    say_many(&mut alice, "#c", 0, 10).await;
    bob.contents(10).await;
    bob.ask("heartbeat", json!({"seen": 4})).await;
    // The cursor only moves forward, and not beyond the log.
    bob.ask("heartbeat", json!({"seen": 2})).await;
    assert_eq!(bob.refused("heartbeat", json!({"seen": 11})).await, "INVALID_FIELD");
    bob.ask("heartbeat", json!({})).await;
    bob.leave().await;
    let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"], "resume": "stored"})).await;
    assert_eq!((&ack["cursor"], &ack["resumed"]), (&json!(4), &json!(true)));
    assert_eq!(bob.contents(6).await, numbers(4..10));
    bob.nothing_more().await;
    // The cursor belongs to the name, so another connection has the same one.
    let (mut second, ack) = hub.register("bob", json!({"channels": [], "resume": "stored"})).await;
    assert_eq!(ack["cursor"], 4);
    second.nothing_more().await;
}

#[tokio::test]
async fn stored_for_a_name_never_seen_starts_at_the_head_and_at_the_beginning_for_what_is_addressed() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    for (channel, content) in [("#c", "1"), ("#d", "2 @bob"), ("@bob", "3"), ("#c", "4 @bob"), ("#c", "5")] {
        alice.say(channel, content).await;
    }
    let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"], "resume": "stored"})).await;
    assert_eq!((&ack["cursor"], &ack["resumed"]), (&Value::Null, &json!(true)));
    alice.say("#c", "6").await;
    assert_eq!(bob.contents(4).await, ["2 @bob", "3", "4 @bob", "6"]);
    bob.nothing_more().await;
    bob.leave().await;
    alice.say("#c", "7").await;
    // The name is registered but never sent `seen`: channels start at the head of its first registration.
    let (mut bob, _) = hub.register("bob", json!({"channels": ["#c"], "resume": "stored"})).await;
    assert_eq!(bob.contents(5).await, ["2 @bob", "3", "4 @bob", "6", "7"]);
    bob.nothing_more().await;
}

#[tokio::test]
async fn a_place_in_another_database_is_answered_from_the_stored_cursor() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"]})).await;
    say_many(&mut alice, "#c", 0, 5).await;
    bob.ask("heartbeat", json!({"seen": 3})).await;
    bob.leave().await;
    let foreign = json!({"channels": ["#c"], "resume": 900, "epoch": "another"});
    let (mut bob, again) = hub.register("bob", foreign).await;
    assert_eq!((&again["resumed"], &again["epoch"]), (&json!(false), &ack["epoch"]));
    assert_eq!(bob.contents(2).await, numbers(3..5));
    bob.leave().await;
    let own = json!({"channels": ["#c"], "resume": 4, "epoch": ack["epoch"]});
    let (mut bob, again) = hub.register("bob", own).await;
    assert_eq!(again["resumed"], true);
    assert_eq!(bob.contents(1).await, numbers(4..5));
    bob.nothing_more().await;
}

#[tokio::test]
async fn the_ack_is_the_first_frame_however_much_was_missed() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    say_many(&mut alice, "#c", 0, MANY).await;
    for _ in 0..20 {
        let mut bob = hub.connect().await;
        let payload = json!({"channels": ["#c"], "resume": 0});
        bob.send(&json!({"type": "register", "sender": "bob", "id": "q", "payload": payload})).await;
        // The same batch has more to commit.
        alice.request("heartbeat", json!({"seen": 1})).await;
        let first = bob.next().await;
        assert_eq!((&first["type"], &first["payload"]["ref"]), (&json!("ack"), &json!("q")));
        assert_eq!(bob.contents(3).await, numbers(0..3));
    }
}

#[tokio::test]
async fn what_was_missed_and_what_is_said_meanwhile_comes_without_gap_or_repeat() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    say_many(&mut alice, "#c", 0, MANY).await;
    let talking = tokio::spawn(async move {
        say_many(&mut alice, "#c", MANY, MANY).await;
        alice
    });
    let mut readers = Vec::new();
    for resume in [0, 10, 500, 1500] {
        let name = format!("bob{resume}");
        let (mut bob, _) = hub.register(&name, json!({"channels": ["#c"], "resume": resume})).await;
        readers.push(tokio::spawn(async move {
            assert_eq!(bob.contents(2 * MANY - resume).await, numbers(resume..2 * MANY), "after {resume}");
            bob
        }));
    }
    let mut alice = talking.await.unwrap();
    alice.nothing_more().await;
    let mut caught_up = Vec::new();
    for reader in readers {
        caught_up.push(reader.await.unwrap());
    }
    alice.say("#c", "live").await;
    for reader in &mut caught_up {
        assert_eq!(reader.contents(1).await, ["live"]);
        reader.nothing_more().await;
    }
}

#[tokio::test]
async fn channels_left_and_joined_while_behind_count_from_then_on() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    for round in 0..MANY / 2 {
        say_many(&mut alice, "#left", 4 * round, 2).await;
        say_many(&mut alice, "#joined", 4 * round + 2, 2).await;
    }
    let (mut bob, _) = hub.register("bob", json!({"channels": ["#left"], "resume": 0})).await;
    // The hub reads the log for bob now. Earlier messages of the left channel are still for him, later ones are not.
    bob.ask("unsubscribe", json!({"channel": "#left"})).await;
    bob.ask("subscribe", json!({"channel": "#joined"})).await;
    alice.say("#left", "too late").await;
    alice.say("#joined", "in time").await;
    let expected: Vec<String> =
        (0..MANY / 2).flat_map(|round| numbers(4 * round..4 * round + 2)).chain(["in time".to_owned()]).collect();
    assert_eq!(bob.contents(expected.len()).await, expected);
    bob.nothing_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ack_comes_before_what_was_missed_also_while_the_disk_is_slow() {
    let mut hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    say_many(&mut alice, "#c", 0, 5).await;
    // After a restart the core has no messages in memory, so missed ones are read from the log.
    hub.stop().await;
    hub.start().await;
    let mut late = hub.connect().await;
    // Another writer locks the file. Reading continues, and the commit of the register's record waits.
    let mut slow_disk = rusqlite::Connection::open(hub.db()).unwrap();
    let held = slow_disk.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let payload = json!({"channels": ["#c"], "resume": 0});
    late.send(&json!({"type": "register", "sender": "late", "id": "r", "payload": payload})).await;
    for _ in 0..50 {
        // Gives the connection time to read the log, in case it wrongly does.
        hub.get("/healthz").await;
    }
    drop(held);
    let first = late.next().await;
    assert_eq!(first["type"], "ack", "it says where the hub begins, nothing may come before it: {first}");
    assert_eq!(late.contents(5).await, numbers(0..5));
}

#[tokio::test]
async fn a_channel_joined_later_than_the_place_of_the_resume_begins_where_it_was_joined() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    alice.say("#c", "1").await;
    alice.say("#d", "2, before bob was there").await;
    assert_eq!(bob.contents(1).await, ["1"]);
    let ack = bob.ask("subscribe", json!({"channel": "#d"})).await;
    assert_eq!(ack["seq"], 2);
    bob.leave().await;
    alice.say("#d", "3").await;
    let asked = json!({"channels": ["#c", "#d"], "resume": 1, "joined": {"#d": 2}});
    let (mut bob, _) = hub.register("bob", asked).await;
    assert_eq!(bob.contents(1).await, ["3"]);
    bob.nothing_more().await;
}

#[tokio::test]
async fn a_joined_that_is_none_is_refused_and_that_of_another_log_is_passed_over() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &["#c"]).await;
    hub.agent("bob", &["#c"]).await.leave().await;
    alice.say("#c", "1").await;
    let mut bob = hub.connect().await;
    for (joined, code) in [
        (json!({"#c": 2}), "RESUME_BEYOND"),
        (json!({"#c": -1}), "INVALID_FIELD"),
        (json!(["#c"]), "INVALID_FIELD"),
        (json!({"no channel": 1}), "INVALID_CHANNEL"),
    ] {
        let payload = json!({"resume": 1, "joined": joined});
        bob.send(&json!({"type": "register", "sender": "bob", "id": "q", "payload": payload})).await;
        assert_eq!(bob.reply("q").await["payload"]["code"], code, "{joined}");
    }
    let asked = json!({"channels": ["#c"], "resume": 900, "epoch": "another", "joined": {"#c": 900}});
    let (mut bob, ack) = hub.register("bob", asked).await;
    assert_eq!(ack["resumed"], false);
    assert_eq!(bob.contents(1).await, ["1"]);
}

#[tokio::test]
async fn resume_stored_gives_nothing_of_channels_from_before_the_first_register() {
    let mut hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    say_many(&mut alice, "#c", 0, 4).await;
    let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"], "resume": "stored"})).await;
    assert_eq!(ack["channels_from"], 4);
    // The agent has handled, for example, a direct message that is older than all messages of its channels.
    bob.ask("heartbeat", json!({"seen": 1})).await;
    bob.leave().await;
    say_many(&mut alice, "#c", 4, 1).await;
    for is_restarted in [false, true] {
        if is_restarted {
            hub.stop().await;
            hub.start().await;
        }
        let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"], "resume": "stored"})).await;
        assert_eq!((&ack["cursor"], &ack["channels_from"]), (&json!(1), &json!(4)));
        assert_eq!(bob.contents(1).await, numbers(4..5));
        bob.nothing_more().await;
        bob.leave().await;
        // A number is still used as it is.
        let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"], "resume": 1})).await;
        assert_eq!(ack["channels_from"], 1);
        assert_eq!(bob.contents(4).await, numbers(1..5));
        bob.leave().await;
    }
}

#[tokio::test]
async fn resume_beyond_the_log_has_a_code_of_its_own() {
    let hub = TestHub::open().await;
    for payload in [json!({"resume": 1}), json!({"resume": 0, "joined": {"#c": 1}})] {
        let mut socket = hub.connect().await;
        socket.send(&json!({"type": "register", "sender": "a", "id": "r", "payload": payload})).await;
        assert_eq!(socket.reply("r").await["payload"]["code"], "RESUME_BEYOND", "{payload}");
        // The same connection registers again, at the position that the hub knows.
        socket.register("a", json!({"resume": "stored"})).await;
    }
}
