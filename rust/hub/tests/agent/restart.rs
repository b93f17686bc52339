//! A restart keeps the log and its numbering, cursors, agents and their statuses.

use serde_json::{Value, json};

use crate::harness::TestHub;

#[tokio::test]
async fn the_log_and_all_that_is_known_of_agents_are_there_again() {
    let mut hub = TestHub::open().await;
    let identity = json!({"channels": ["#c", "#d"], "machine": "gpu", "role": "r", "model": "m", "project": "p"});
    let (mut bob, before) = hub.register("bob", identity).await;
    bob.ask("status_update", json!({"status": "busy", "current_task": "epoch 3", "progress": 0.5})).await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut message = json!({"channel": "#c", "content": "one @bob", "metadata": {"n": 1.5}, "extra": [1]});
    alice.send(&json!({"type": "message", "id": "m1", "payload": message})).await;
    alice.reply("m1").await;
    alice.say("@bob", "two").await;
    alice.say("#c", "three").await;
    let live = [bob.next().await, bob.next().await, bob.next().await];
    bob.ask("heartbeat", json!({"seen": 1})).await;
    let rows = alice.history(json!({"channel": "#c"})).await;
    hub.stop().await;
    assert_eq!(bob.closed().await, 1001);
    hub.start().await;

    let listed = hub.get("/api/agents?all=true").await;
    let row = listed.as_array().unwrap().iter().find(|row| row["name"] == "bob").unwrap().clone();
    assert_eq!(
        (&row["online"], &row["status"], &row["current_task"]),
        (&json!(false), &json!("busy"), &json!("epoch 3"))
    );
    assert_eq!((&row["progress"], &row["channels"], &row["role"]), (&json!(0.5), &json!(["#c", "#d"]), &json!("r")));
    assert_eq!(hub.get("/api/channels").await, json!({"#c": [], "#general": []}));

    let (mut alice, ack) = hub.register("alice", json!({"channels": []})).await;
    assert_eq!((&ack["seq"], &ack["epoch"], &ack["cursor"]), (&json!(3), &before["epoch"], &Value::Null));
    assert_eq!(alice.history(json!({"channel": "#c"})).await, rows);
    assert_eq!(alice.history(json!({"channel": "#c", "search": "three"})).await.len(), 1);

    // The same id still means the same message; with other content it is still refused.
    alice.send(&json!({"type": "message", "id": "m1", "payload": message})).await;
    let again = alice.reply("m1").await["payload"].clone();
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(1), &json!(true)));
    message["content"] = "other".into();
    alice.send(&json!({"type": "message", "id": "m1", "payload": message})).await;
    assert_eq!(alice.reply("m1").await["payload"]["code"], "ID_REUSED");
    let ack = alice.say("#c", "four @bob").await;
    assert_eq!((&ack["seq"], &ack["delivery"]), (&json!(4), &json!({"bob": "offline"})));

    let stored = json!({"channels": ["#c"], "resume": "stored", "epoch": before["epoch"]});
    let (mut bob, ack) = hub.register("bob", stored).await;
    assert_eq!((&ack["cursor"], &ack["resumed"], &ack["seq"]), (&json!(1), &json!(true), &json!(4)));
    for frame in &live[1..] {
        assert_eq!(&bob.next().await, frame, "a frame from the log is the frame that was live");
    }
    assert_eq!(bob.contents(1).await, ["four @bob"]);
    bob.nothing_more().await;
}

#[tokio::test]
async fn a_name_that_was_gone_before_the_restart_resumes_from_where_it_first_came() {
    let mut hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "before bob").await;
    hub.agent("bob", &["#c"]).await.leave().await;
    alice.say("#c", "after bob").await;
    hub.stop().await;
    hub.start().await;
    let (mut bob, ack) = hub.register("bob", json!({"channels": ["#c"], "resume": "stored"})).await;
    assert_eq!(ack["cursor"], Value::Null);
    assert_eq!(bob.contents(1).await, ["after bob"]);
    bob.nothing_more().await;
}

#[tokio::test]
async fn times_follow_the_clock_again_after_one_that_was_ahead() {
    let mut hub = TestHub::open().await;
    let future = 4_000_000_000_000_000_i64;
    hub.agent("alice", &[]).await.say("#c", "one").await;
    hub.stop().await;
    // A log that was written while the machine's clock was ahead.
    let disk = rusqlite::Connection::open(hub.db()).unwrap();
    disk.execute("UPDATE messages SET ts = ?1", [future]).unwrap();
    drop(disk);
    hub.start().await;
    let mut bob = hub.agent("bob", &[]).await;
    let ack = bob.say("#c", "two").await;
    let rows = bob.history(json!({"channel": "#c"})).await;
    assert!(ack["ts"].as_str() < rows[1]["ts"].as_str(), "{ack} {rows:?}");
    assert_eq!(rows.iter().map(|row| &row["seq"]).collect::<Vec<_>>(), [2, 1], "the seq carries the order");
    let since = bob.history(json!({"channel": "#c", "since": ack["ts"]})).await;
    assert_eq!(since.len(), 2, "{since:?}");
    let until = bob.history(json!({"channel": "#c", "until": ack["ts"]})).await;
    assert!(until.len() == 1 && until[0]["content"] == "two", "{until:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_keeps_what_it_acked_and_numbers_on_without_a_hole() {
    const WINDOW: usize = 64;
    let mut hub = TestHub::open().await;
    let mut senders = Vec::new();
    for name in ["a", "b"] {
        let mut sender = hub.agent(name, &[]).await;
        senders.push(tokio::spawn(async move {
            let mut frames = Vec::new();
            for n in 0.. {
                let payload = json!({"channel": "#c", "content": "x"});
                let sent = sender.try_send(&json!({"type": "message", "id": n.to_string(), "payload": payload})).await;
                while !sent || frames.len() + WINDOW <= n {
                    let Some(frame) = sender.try_next().await else { return frames };
                    frames.push(frame);
                }
            }
            frames
        }));
    }
    // Stops while messages are being sent and some are already in the log.
    let mut watcher = hub.observer("").await;
    watcher.next_message().await;
    hub.stop().await;
    let mut acked = Vec::new();
    for sender in senders {
        for frame in sender.await.unwrap() {
            match frame["type"].as_str().unwrap() {
                "ack" => acked.push(frame["payload"]["seq"].as_u64().unwrap()),
                _ => assert_eq!(frame["payload"]["code"], "SHUTTING_DOWN", "{frame}"),
            }
        }
    }
    hub.start().await;
    let (mut reader, ack) = hub.register("reader", json!({"channels": ["#c"], "resume": 0})).await;
    let head = ack["seq"].as_u64().unwrap();
    for seq in 1..=head {
        assert_eq!(reader.next_message().await["seq"], seq);
    }
    acked.sort_unstable();
    // All accepted messages were acked before the sockets closed.
    assert_eq!(acked, (1..=head).collect::<Vec<_>>());
    assert_eq!(hub.agent("c", &[]).await.say("#c", "on").await["seq"], head + 1);
}
