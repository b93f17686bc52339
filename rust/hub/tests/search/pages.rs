//! Pages of hits: their order, and cursors that stay valid while messages arrive.

use orochi_hub::parts::search::{Cursor, Order, Request};

use crate::harness::{Log, request, said, seqs};

async fn walk(log: &mut Log, order: Order, text: &str) -> Vec<u64> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let found = log.found(Request { order, cursor, limit: 7, ..request(text, None) }).await;
        assert!(found.hits.len() <= 7);
        all.extend(seqs(&found));
        let Some(next) = found.next else { return all };
        cursor = Some(Cursor::parse("cursor", &next.to_string()).unwrap());
        // Other messages arrive between two pages.
        log.say(&[said("another needle came"), said("and hay")]);
    }
}

#[tokio::test]
async fn search_pages_hold_each_hit_once_while_messages_arrive() {
    for order in [Order::Time, Order::Rank] {
        let mut log = Log::open();
        for n in 0..60 {
            log.say(&[said(if n % 2 == 0 { "a needle" } else { "hay" })]);
        }
        let mut walked = walk(&mut log, order, "needle").await;
        let expected: Vec<u64> = (1..=60).rev().filter(|seq| seq % 2 == 1).collect();
        if order == Order::Time {
            assert_eq!(walked, expected);
        }
        walked.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(walked, expected, "{order:?}");
    }
}

#[tokio::test]
async fn search_by_rank_puts_the_better_match_first_and_by_time_the_newer() {
    let mut log = Log::open();
    let long = format!("deploy {}", "and much more ".repeat(30));
    log.say(&[said("deploy deploy"), said(&long)]);
    assert_eq!(log.seqs("deploy").await, [1, 2]);
    let by_time = log.found(Request { order: Order::Time, ..request("deploy", None) }).await;
    assert_eq!(seqs(&by_time), [2, 1]);
}

#[tokio::test]
async fn search_pages_end_where_a_page_has_read_enough() {
    let mut log = Log::open();
    log.say(&[said("one two")]);
    // Each message has all words of the phrase, but never in its order, so each one must be read to be rejected.
    let contents = vec!["two one"; 30_000];
    log.say(&contents.iter().map(|content| said(content)).collect::<Vec<_>>());
    let first = log.found(Request { order: Order::Time, ..request("\"one two\"", None) }).await;
    assert_eq!((first.hits.len(), first.next.is_some()), (0, true));
    let second = log.found(Request { cursor: first.next, ..request("\"one two\"", None) }).await;
    assert_eq!((seqs(&second), second.next), (vec![1], None));
}

#[test]
fn search_cursors_are_read_back_and_others_refused() {
    for text in ["", "t", "t-", "t-x", "r-1", "r-1-x", "r-1-2-3", "x-1", "t-99999999999999999999"] {
        assert!(Cursor::parse("cursor", text).is_err(), "{text}");
    }
}
