//! Searches from tests/search/cases.json, with and without the index.

use orochi_hub::parts::search::{Order, Query, Request};
use orochi_protocol::{AgentName, ErrorCode, Timestamp};
use serde_json::Value;

use crate::harness::{Log, Said, request, said, seqs};

fn cases() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/search/cases.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

async fn check_all(log: &Log, cases: &Value) {
    for case in cases["cases"].as_array().unwrap() {
        let query = Query::parse("q", text(case, "q"));
        if let Some(code) = case["refused"].as_str() {
            assert_eq!(query.unwrap_err().code.as_str(), code, "{case}");
            continue;
        }
        let agent = case["agent"].as_str().map(|name| AgentName::parse(name).unwrap());
        let request = Request { query: query.unwrap(), agent, order: Order::Time, limit: 100, ..Request::default() };
        let expected: Vec<u64> = serde_json::from_value(case["finds"].clone()).unwrap();
        assert_eq!(seqs(&log.found(request).await), expected, "{case}");
    }
}

#[tokio::test]
async fn search_finds_the_golden_cases_before_and_after_they_are_indexed() {
    let cases = cases();
    let mut log = Log::open();
    let messages: Vec<Said<'_>> = cases["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| Said {
            ts: Timestamp::parse(text(message, "ts")).unwrap(),
            channel: text(message, "channel"),
            sender: text(message, "sender"),
            content: text(message, "content"),
        })
        .collect();
    log.say(&messages);
    check_all(&log, &cases).await;
    log.indexed().await;
    check_all(&log, &cases).await;
}

#[tokio::test]
async fn search_sees_what_was_committed_right_before_it() {
    let mut log = Log::open();
    for n in 1..=300 {
        let content = format!("needle{n} in the stack");
        log.say(&[said(&content)]);
        assert_eq!(log.seqs(&format!("needle{n}")).await, [n]);
    }
}

#[tokio::test]
async fn search_sees_all_of_a_flood_and_over_a_segments_border() {
    let mut log = Log::open();
    let mut contents: Vec<String> = (1..=101_000).map(|n| format!("flood of message m{n}")).collect();
    contents[6] = "デプロイに失敗しました".to_owned();
    for part in contents.chunks(10_000) {
        log.say(&part.iter().map(|content| said(content)).collect::<Vec<_>>());
    }
    for n in [1, 50_000, 99_999, 100_000, 100_001, 100_002, 101_000] {
        assert_eq!(log.seqs(&format!("m{n}")).await, [n], "m{n}");
    }
    assert_eq!(log.seqs("失敗").await, [7], "a part of a run, in a full segment");
    for beginning in ["m10099*", "m100999*"] {
        let mut found = log.seqs(beginning).await;
        found.sort_unstable();
        let expected: Vec<u64> =
            (1..=101_000).filter(|n| format!("m{n}*").starts_with(&beginning[..beginning.len() - 1])).collect();
        assert_eq!(found, expected, "{beginning}");
    }
    assert_eq!(log.seqs("m1010*").await.len(), 12, "m1010, ten numbers of five digits, m101000");
    let newest = log.found(Request { limit: 3, ..request("flood", None) }).await;
    assert_eq!(seqs(&newest), [101_000, 100_999, 100_998], "of a common word the newest come first");
}

#[tokio::test]
async fn search_shows_where_a_text_matches() {
    let mut log = Log::open();
    log.say(&[said("デプロイに失敗しました: deploy failed")]);
    let found = log.found(request("失敗 failed", None)).await;
    let hit = &found.hits[0];
    assert_eq!(hit.ranges, [(5, 7), (20, 26)]);
    assert_eq!(hit.snippet, "デプロイに\u{e000}失敗\u{e001}しました: deploy \u{e000}failed\u{e001}");
}

#[tokio::test]
async fn search_in_a_conversation_names_who_asks() {
    let refusal = Query::parse("q", "in:@bob").unwrap().check_asker("agent", None).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::MissingField);
}
