//! Queries (sections 5 and 9): each filter alone, and filters together.

use serde_json::{Value, json};

use crate::harness::TestHub;

fn contents(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_query_is_answered_by_the_hub_newest_first_before_its_ack() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("general", "one @bob").await;
    alice
        .ask("message", json!({"channel": "general", "content": "two", "metadata": {"k": 1}, "reply_to": 1, "x": 2}))
        .await;
    alice.say("#other", "elsewhere").await;
    let id = alice.request("query", json!({})).await;
    let frame = alice.next().await;
    assert_eq!(
        (&frame["type"], &frame["sender"], frame.get("seq")),
        (&json!("message"), &json!("orochi-server"), None)
    );
    let payload = &frame["payload"];
    assert_eq!((&payload["channel"], &payload["content"]), (&json!("#general"), &json!("")));
    let rows = payload["history"].as_array().unwrap();
    let keys = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&rows[1]), "msg_id ts channel sender content mentions metadata seq");
    assert_eq!(keys(&rows[0]), "msg_id ts channel sender content mentions metadata seq reply_to extra");
    assert_eq!(rows[0]["extra"], json!({"x": 2}));
    assert_eq!(contents(rows), ["two", "one @bob"]);
    assert_eq!(
        (&rows[1]["mentions"], &rows[1]["metadata"], &rows[1]["sender"]),
        (&json!(["bob"]), &json!({}), &json!("alice"))
    );
    assert_eq!((&rows[0]["metadata"], &rows[0]["reply_to"]), (&json!({"k": 1}), &json!(1)));
    let ack = alice.next().await;
    assert_eq!((&ack["type"], &ack["payload"]["ref"]), (&json!("ack"), &json!(id)));
}

#[tokio::test]
async fn a_query_sees_what_was_sent_right_before_it() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    for n in 1..=20 {
        let said = alice.request("message", json!({"channel": "#c", "content": "x"})).await;
        assert_eq!(alice.history(json!({"channel": "#c"})).await.len(), n);
        assert!(alice.has_reply(&said).await);
    }
}

#[tokio::test]
async fn every_filter_narrows_and_they_go_together() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob = hub.agent("bob", &[]).await;
    for (n, content) in
        ["red apple", "green apple", "red pear", "green pear", "Äpfel with pears"].into_iter().enumerate()
    {
        let sender = if n % 2 == 0 { &mut alice } else { &mut bob };
        let mut payload = json!({"channel": "#c", "content": content});
        if n >= 2 {
            payload["reply_to"] = 1.into();
        }
        sender.ask("message", payload).await;
    }
    let all = alice.history(json!({"channel": "c"})).await;
    assert_eq!(all.len(), 5);
    let ts = |seq: usize| all[5 - seq]["ts"].clone();
    let zulu = ts(3).as_str().unwrap().replace("+00:00", "Z");
    for (filter, expected) in [
        (json!({"limit": 2}), vec![5, 4]),
        (json!({"limit": 1000}), vec![5, 4, 3, 2, 1]),
        (json!({"before": 3}), vec![2, 1]),
        (json!({"after": 3}), vec![5, 4]),
        (json!({"before": 5, "after": 2, "limit": 1}), vec![4]),
        (json!({"since": ts(3)}), vec![5, 4, 3]),
        (json!({"since": zulu}), vec![5, 4, 3]),
        (json!({"until": ts(3)}), vec![3, 2, 1]),
        (json!({"since": ts(2), "until": ts(4)}), vec![4, 3, 2]),
        (json!({"since": "2020-01-01"}), vec![5, 4, 3, 2, 1]),
        (json!({"until": "2020-01-01"}), vec![]),
        (json!({"since": "2999-01-01T00:00:00+09:00"}), vec![]),
        (json!({"sender": "bob"}), vec![4, 2]),
        (json!({"sender": "nobody"}), vec![]),
        (json!({"reply_to": 1}), vec![5, 4, 3]),
        (json!({"reply_to": 2}), vec![]),
        (json!({"search": "apple"}), vec![2, 1]),
        (json!({"search": "red apple"}), vec![1]),
        (json!({"search": "pear"}), vec![4, 3]),
        (json!({"search": "apfel"}), vec![5]),
        (json!({"search": "pear", "sender": "alice", "before": 5}), vec![3]),
        (json!({"search": "green", "reply_to": 1, "since": ts(1), "limit": 5}), vec![4]),
        (json!({"search": "\"*:^-AND("}), vec![]),
        (json!({"before": 0}), vec![]),
        (json!({"after": u64::MAX / 2}), vec![]),
    ] {
        let mut query = filter.clone();
        query["channel"] = "#c".into();
        let rows = alice.history(query).await;
        let seqs: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, expected, "{filter}");
    }
}

#[tokio::test]
async fn fifty_rows_come_where_no_limit_is_given_and_pages_join() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    for n in 0..120 {
        alice.request("message", json!({"channel": "#c", "content": n.to_string()})).await;
    }
    let mut seqs = Vec::new();
    let mut before = Value::Null;
    loop {
        let rows = alice.history(json!({"channel": "#c", "before": before})).await;
        assert!(rows.len() <= 50);
        let Some(last) = rows.last() else { break };
        before = last["seq"].clone();
        seqs.extend(rows.iter().map(|row| row["seq"].as_u64().unwrap()));
    }
    assert_eq!(seqs, (1..=120).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn query_in_ascending_order_pages_forward() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    for content in ["one", "two", "three", "four", "five"] {
        alice.say("#c", content).await;
    }
    let mut seen = Vec::new();
    let mut after = json!(0);
    loop {
        let rows = alice.history(json!({"channel": "#c", "after": after, "order": "asc", "limit": 2})).await;
        let Some(last) = rows.last() else { break };
        after = last["seq"].clone();
        seen.extend(contents(&rows).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, ["one", "two", "three", "four", "five"]);
    let newest = alice.history(json!({"channel": "#c", "after": 1, "limit": 2})).await;
    assert_eq!(contents(&newest), ["five", "four"], "the default stays");
    let refused = alice.refused("query", json!({"channel": "#c", "search": "two", "order": "asc"})).await;
    assert_eq!(refused, "INVALID_FIELD");
    let rows = hub.get("/api/history/c?after=2&order=asc&limit=2").await;
    assert_eq!(contents(rows.as_array().unwrap()), ["three", "four"]);
}
