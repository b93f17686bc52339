//! No answer is so large that it closes a connection: the rest comes with the next answer (section 10, Sizes).

use futures_util::future::join_all;
use orochi_protocol::limits::{ANSWER_BYTES_MAX, CONTENT_BYTES_MAX};
use serde_json::{Value, json};

use crate::harness::{Socket, TestHub};

/// Repeats a request until there is no more. Returns each answer's payload. `page` is the field that continues.
async fn all_pages(socket: &mut Socket, kind: &str, mut payload: Value, page: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    loop {
        let answer = socket.answer(kind, payload.clone()).await;
        let bytes = answer.to_string().len();
        assert!(bytes <= ANSWER_BYTES_MAX, "{kind}: {bytes} bytes");
        let next = answer.get("next").cloned();
        assert_eq!(answer.get("more").is_some(), next.is_some(), "{kind}");
        answers.push(answer);
        let Some(next) = next else { return answers };
        payload[page] = next;
    }
}

#[tokio::test]
async fn sizes_of_history_answers_are_bounded_and_pages_give_each_row_once() {
    const ROWS: usize = 16;
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let content = "x".repeat(CONTENT_BYTES_MAX - 2);
    for n in 0..ROWS {
        alice.say("#big", &format!("{n:02}{content}")).await;
    }
    let answers = all_pages(&mut alice, "query", json!({"channel": "#big", "limit": ROWS}), "before").await;
    assert!(answers.len() > 4, "{} pages", answers.len());
    let rows = answers.iter().flat_map(|answer| answer["history"].as_array().unwrap());
    let seqs: Vec<_> = rows.map(|row| row["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=ROWS as u64).rev().collect::<Vec<_>>());
    // An answer with all requested rows has no `more`.
    let few = alice.answer("query", json!({"channel": "#big", "limit": 1})).await;
    assert_eq!((few["history"].as_array().unwrap().len(), few.get("more")), (1, None));
}

#[tokio::test]
async fn sizes_of_a_single_row_may_be_larger_and_it_comes_alone() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    // Each of these characters takes six bytes on the wire.
    alice.say("#odd", &"\u{1}".repeat(174_500)).await;
    alice.say("#odd", "small").await;
    let first = alice.answer("query", json!({"channel": "#odd"})).await;
    assert_eq!((first["history"].as_array().unwrap().len(), &first["next"]), (1, &json!(2)));
    let second = alice.answer("query", json!({"channel": "#odd", "before": 2})).await;
    assert_eq!((&second["history"][0]["seq"], second.get("more")), (&json!(1), None));
}

#[tokio::test]
async fn sizes_of_presence_answers_are_bounded_and_pages_name_each_agent_once() {
    const AGENTS: usize = 60;
    let hub = TestHub::open().await;
    let channels: Vec<String> = (0..256).map(|n| format!("#{n:0>64}")).collect();
    let names: Vec<String> = (0..AGENTS).map(|n| format!("agent-{n:02}")).collect();
    let registers = names.iter().map(|name| hub.register(name, json!({ "channels": channels })));
    let mut agents: Vec<Socket> = join_all(registers).await.into_iter().map(|(socket, _)| socket).collect();
    for detail in [false, true] {
        let answers = all_pages(&mut agents[0], "presence", json!({ "detail": detail }), "after").await;
        assert!(answers.len() > 1, "{} pages", answers.len());
        let mut found = Vec::new();
        for answer in &answers {
            let page: Vec<String> = answer["agents"].as_object().unwrap().keys().cloned().collect();
            let rows = answer["detail"].as_object().map(|rows| rows.keys().cloned().collect::<Vec<_>>());
            assert_eq!(rows.is_some(), detail);
            assert!(rows.is_none_or(|rows| rows == page));
            found.extend(page);
        }
        assert_eq!(found, names);
    }
}

#[tokio::test]
async fn sizes_of_an_entry_that_no_answer_holds_are_refused_in_a_sentence() {
    let hub = TestHub::open().await;
    // Many connections of one name. Its row has the channels of all of them.
    let mut sockets = Vec::new();
    for n in 0..64 {
        let channels: Vec<String> = (0..256).map(|m| format!("#{:0>64}", n * 256 + m)).collect();
        sockets.push(hub.agent("big", &channels.iter().map(String::as_str).collect::<Vec<_>>()).await);
    }
    let mut alice = hub.agent("zoe", &[]).await;
    let id = alice.request("presence", json!({})).await;
    let refused = alice.reply(&id).await;
    assert_eq!(refused["payload"]["code"], "TOO_LARGE");
    assert!(refused["payload"]["detail"].as_str().unwrap().contains("after big"), "{refused}");
    assert_eq!(alice.answer("presence", json!({"after": "big"})).await["agents"], json!({"zoe": []}));
}
