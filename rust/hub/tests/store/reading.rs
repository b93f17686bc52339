//! Reads pages of the log, finds times in it, and searches arbitrary texts.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use orochi_hub::parts::search::{Query, Request, Search};
use orochi_hub::parts::store::{Message, Place, Reads};
use orochi_protocol::Seq;
use orochi_protocol::request::HistoryFilter;
use proptest::prelude::*;

use crate::harness::{Folder, append, history, message, read, search, seq, time};

#[test]
fn a_scan_stops_where_it_is_told() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=10).unwrap();
    let seen = read(&folder.db(), Seq::ZERO, |reader| {
        let mut seen = Vec::new();
        reader.scan(seq(2), seq(8), |row| {
            seen.push(row.seq.get());
            if row.seq == seq(6) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(seen)
    });
    assert_eq!(seen, [3, 4, 5, 6]);
}

#[test]
fn a_time_between_two_messages_divides_them() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    let mut batch = store.begin().unwrap();
    // Two messages have the same time; both ends of a range include both.
    for (n, at) in [(1, 1), (2, 3), (3, 3), (4, 5)] {
        let id = n.to_string();
        batch.append(&Message { ts: time(at), ..message(n, &id, "x") }, &[]).unwrap();
    }
    batch.commit().unwrap();
    for (since, until, expected) in [
        (Some(3), None, vec![4, 3, 2]),
        (Some(2), None, vec![4, 3, 2]),
        (None, Some(3), vec![3, 2, 1]),
        (None, Some(4), vec![3, 2, 1]),
        (Some(3), Some(3), vec![3, 2]),
        (Some(4), Some(4), vec![]),
        (Some(0), Some(9), vec![4, 3, 2, 1]),
        (Some(9), None, vec![]),
        (None, Some(0), vec![]),
    ] {
        let filter = HistoryFilter { since: since.map(time), until: until.map(time), ..HistoryFilter::default() };
        assert_eq!(history(&folder.db(), Seq::ZERO, "#c", filter), expected, "{since:?} {until:?}");
    }
}

#[test]
fn a_search_puts_the_better_match_first_and_keeps_conversations_to_their_sides() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    let mut batch = store.begin().unwrap();
    let long = "deploy and then a lot of other words that have nothing to do with it at all, really nothing";
    for (n, channel, content) in [(1, "#c", "deploy deploy"), (2, "#c", long), (3, "@a_b @bob", "deploy secret")] {
        let id = n.to_string();
        batch.append(&Message { place: Place::parse(channel), ..message(n, &id, content) }, &[]).unwrap();
    }
    batch.commit().unwrap();
    assert_eq!(search(&folder.db(), "deploy", None), [1, 2]);
    assert!(search(&folder.db(), "dep", None).is_empty(), "whole words only: a beginning would have to read them all");
    assert_eq!(search(&folder.db(), "secret", Some("bob")), [3]);
    assert_eq!(search(&folder.db(), "secret", Some("a_b")), [3]);
    assert!(search(&folder.db(), "secret", None).is_empty());
    for stranger in ["axb", "b", "a_", "ob"] {
        assert!(search(&folder.db(), "secret", Some(stranger)).is_empty(), "{stranger:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_search_fail(texts in proptest::collection::vec(".{0,40}|[\"'*:^(){}+-]{0,8}( |AND|OR|NOT|NEAR|[a-z\u{0}-\u{2ff}\u{1e000}-\u{1ffff}]){0,12}", 20)) {
        let folder = Folder::new();
        let (mut store, _) = folder.open();
        let mut batch = store.begin().unwrap();
        for (n, text) in (1..).zip(&texts) {
            let id = n.to_string();
            batch.append(&message(n, &id, text), &[]).unwrap();
        }
        batch.commit().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let reads = Reads::open(&folder.db(), 1, Seq::ZERO).unwrap();
        let search = Search::start(&reads, "the log's", Arc::new(AtomicU64::new(20))).unwrap();
        for text in texts {
            // A refusal is a valid answer too.
            let Ok(query) = Query::parse("q", &text) else { continue };
            let request = Request { query, limit: 10, ..Request::default() };
            let found = runtime.block_on(search.find(&reads, request));
            prop_assert!(found.is_ok_and(|found| found.indexed_up_to.is_none()), "{text:?}");
        }
        search.stop();
    }
}

/// A sequence of pseudo-random numbers, the same in each run.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |n| Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)))
        .map(|n| n >> 33)
}

#[test]
fn history_by_time_is_right_however_often_the_clock_was_set() {
    for seed in 0..20 {
        let folder = Folder::new();
        let (mut store, _) = folder.open();
        let mut random = numbers(seed);
        let mut clock = 1_000;
        let mut times = Vec::new();
        for n in 1..=60 {
            // The clock mostly goes forward; now and then it is set to any time.
            clock = match random.next().unwrap() % 10 {
                0 => random.next().unwrap() % 2_000,
                step => clock + step % 3,
            };
            times.push(clock);
            let id = n.to_string();
            let mut batch = store.begin().unwrap();
            batch.append(&Message { ts: time(clock), ..message(n, &id, "x") }, &[]).unwrap();
            if n % 7 == 0 {
                // A refused message leaves no trace of its time.
                drop(batch);
                let mut again = store.begin().unwrap();
                again.append(&Message { ts: time(clock), ..message(n, &id, "x") }, &[]).unwrap();
                again.commit().unwrap();
            } else {
                batch.commit().unwrap();
            }
            if n % 20 == 0 {
                store.close();
                store = folder.open().0;
            }
        }
        drop(store);
        for _ in 0..40 {
            let (since, until) = (random.next().unwrap() % 2_000, random.next().unwrap() % 2_000);
            for (since, until) in [(Some(since), None), (None, Some(until)), (Some(since), Some(until))] {
                let passes = |at: u64| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at <= until);
                let expected: Vec<u64> = (1..=60).rev().filter(|n| passes(times[*n as usize - 1])).collect();
                let filter = HistoryFilter {
                    since: since.map(time),
                    until: until.map(time),
                    limit: 100,
                    ..HistoryFilter::default()
                };
                let found = history(&folder.db(), Seq::ZERO, "#c", filter);
                assert_eq!(found, expected, "seed {seed}, since {since:?}, until {until:?}");
            }
        }
    }
}
