//! A connection that resumes gets `caught_up` once, after everything that it missed (section 9, Resume).

use serde_json::{Value, json};

use crate::harness::TestHub;

fn seqs(frames: &[Value]) -> Vec<u64> {
    frames.iter().filter_map(|frame| frame["seq"].as_u64()).collect()
}

#[tokio::test]
async fn caught_up_comes_at_once_where_nothing_was_missed_and_only_to_who_resumes() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "one").await;
    let (mut bob, _) = hub.register("bob", json!({"channels": ["#c"], "resume": 1})).await;
    let (payload, before) = bob.until_caught_up().await;
    assert_eq!((payload, before.len()), (json!({"seq": 1, "ref": "register"}), 0));
    // A register without `resume` on the same connection, and one on another connection, get no `caught_up`.
    bob.register("bob", json!({"channels": ["#c"]})).await;
    let mut carol = hub.agent("carol", &["#c"]).await;
    alice.say("#c", "two").await;
    assert_eq!(bob.contents(1).await, ["two"]);
    assert_eq!(carol.contents(1).await, ["two"]);
    bob.nothing_more().await;
    carol.nothing_more().await;
    assert_eq!((bob.caught_up_count(), carol.caught_up_count()), (0, 0));
    // A second resume gets a second `caught_up`.
    bob.register("bob", json!({"channels": ["#c"], "resume": 0})).await;
    let (payload, before) = bob.until_caught_up().await;
    assert_eq!((&payload["seq"], seqs(&before)), (&json!(2), vec![1, 2]));
}

#[tokio::test]
async fn caught_up_comes_after_all_that_was_missed_while_others_go_on_sending() {
    const MISSED: u64 = 3000;
    const MEANWHILE: u64 = 500;
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let content = "x".repeat(2000);
    let send =
        |n: u64| json!({"type": "message", "id": format!("m-{n}"), "payload": {"channel": "#c", "content": content}});
    for n in 0..MISSED {
        alice.send(&send(n)).await;
    }
    for n in 0..MISSED {
        alice.reply(&format!("m-{n}")).await;
    }
    let mut bob = hub.connect().await;
    bob.send(&json!({"type": "register", "sender": "bob", "id": "r", "payload": {"channels": ["#c"], "resume": 0}}))
        .await;
    for n in MISSED..MISSED + MEANWHILE {
        alice.send(&send(n)).await;
    }
    let (payload, before) = bob.until_caught_up().await;
    let at = payload["seq"].as_u64().unwrap();
    assert!(at >= MISSED, "{payload}");
    assert_eq!(before[0]["type"], "ack", "the register's ack is the first frame");
    assert_eq!(seqs(&before), (1..=at).collect::<Vec<_>>(), "all up to its place, and nothing else, came before");
    for seq in at + 1..=MISSED + MEANWHILE {
        assert_eq!(bob.next().await["seq"], seq);
    }
    bob.nothing_more().await;
    assert_eq!(bob.caught_up_count(), 0, "it comes once");
}
