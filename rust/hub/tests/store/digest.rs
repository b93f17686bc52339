//! Counts of recent messages, made in parts. The result is the same as counting at once, whoever requests it and when.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use orochi_hub::parts::digest::{DIRECT, Digest, Window};
use orochi_hub::parts::store::{Message, Pair, Place, Reads, Store};
use orochi_protocol::{Seq, Timestamp};

use crate::harness::{Folder, message, seq};

/// Minutes between two messages: a log of 1000 spans more than two days.
const EVERY: i64 = 3;
const MINUTE: i64 = 60_000_000;

fn at(n: u64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(n).unwrap() * EVERY * MINUTE)
}

fn place(n: u64) -> Place {
    if n.is_multiple_of(7) {
        Place::Conversation(Pair::new("alice", "dave"))
    } else {
        Place::parse(&format!("#c{}", n % 3))
    }
}

fn append(store: &mut Store, numbers: std::ops::RangeInclusive<u64>) {
    let mut batch = store.begin().unwrap();
    for n in numbers {
        let mentions = if n.is_multiple_of(5) { r#"["bob","carol"]"# } else { "[]" };
        let (mentions, sender) = (mentions.to_owned(), if n == 4 { "erin" } else { "alice" }.to_owned());
        let said = Message { ts: at(n), place: place(n), sender, mentions, ..message(n, &n.to_string(), "x") };
        batch.append(&said, &[]).unwrap();
    }
    batch.commit().unwrap();
}

/// Counts by channel and by addressed agent, and the time from which they are complete.
type Seen = (BTreeMap<String, u32>, BTreeMap<String, u32>, Timestamp);

async fn ask(digest: &Digest, reads: &Reads, piece: u64, head: u64, window: Window) -> Seen {
    let answer = digest.ask(reads, piece, (seq(head), at(head)), move |counts, _| {
        let (mut channels, mut to) = (BTreeMap::new(), BTreeMap::new());
        for bucket in counts.buckets(window).values() {
            bucket.channels.iter().for_each(|(name, count)| *channels.entry(name.clone()).or_default() += count);
            bucket.pairs.iter().for_each(|((_, name), count)| *to.entry(name.clone()).or_default() += count);
        }
        Ok((channels, to, counts.complete_since(window.since(at(head)))))
    });
    answer.await.unwrap()
}

fn expected(head: u64, window: Window) -> Seen {
    let since = window.since(at(head));
    let (mut channels, mut to) = (BTreeMap::new(), BTreeMap::new());
    for n in (1..=head).filter(|n| at(*n) >= since) {
        let channel = if n.is_multiple_of(7) { DIRECT.to_owned() } else { place(n).to_string() };
        let named: &[&str] = match n {
            _ if n.is_multiple_of(7) => &["dave"],
            _ if n.is_multiple_of(5) => &["bob", "carol"],
            _ => &[],
        };
        *channels.entry(channel).or_default() += 1;
        named.iter().for_each(|name| *to.entry((*name).to_owned()).or_default() += 1);
    }
    (channels, to, since)
}

#[tokio::test]
async fn counted_in_pieces_of_any_size_it_is_what_was_said() {
    for piece in [1, 7, 100, 5000] {
        let folder = Folder::new();
        let (mut store, _) = folder.open();
        let reads = Reads::open(&folder.db(), 2, Seq::ZERO).unwrap();
        let digest = Digest::new(piece);
        // Each time, more messages have arrived; in the end more than one part.
        for head in [1, 30, 31, 600, 605, 1000] {
            let written = u64::try_from(store_head(&reads).await).unwrap();
            append(&mut store, written + 1..=head);
            let mut asked = 0;
            while ask(&digest, &reads, piece, head, Window::Day).await != expected(head, Window::Day) {
                asked += 1;
                assert!(asked <= 1000 / piece + 1, "pieces of {piece}, {head} messages");
            }
            assert_eq!(ask(&digest, &reads, piece, head, Window::Hour).await, expected(head, Window::Hour));
        }
    }
}

async fn store_head(reads: &Reads) -> i64 {
    let newest = reads.run(|reader| {
        let mut newest = Seq::ZERO;
        reader.scan_back(Seq::ZERO, Seq::MAX, |message| {
            newest = message.seq;
            ControlFlow::Break(())
        })?;
        Ok(newest)
    });
    newest.await.unwrap().as_i64()
}

#[tokio::test]
async fn what_is_not_counted_yet_is_said() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=400);
    let reads = Reads::open(&folder.db(), 2, Seq::ZERO).unwrap();
    let (channels, _, complete_since) = ask(&Digest::default(), &reads, 10, 400, Window::Day).await;
    // One part from the end, and one before it.
    assert_eq!((channels.values().sum::<u32>(), complete_since), (20, at(381)));
}

#[tokio::test]
async fn the_newest_of_a_sender_is_found_as_far_back_as_was_read_and_stays_known() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=300);
    let reads = Reads::open(&folder.db(), 2, Seq::ZERO).unwrap();
    let digest = Digest::new(100);
    let newest = async |head: u64| {
        let answer = digest.ask(&reads, 100, (seq(head), at(head)), |counts, _| {
            Ok(["alice", "erin"].map(|name| counts.newest_of(name).map(Seq::get)))
        });
        answer.await.unwrap()
    };
    assert_eq!(newest(300).await, [Some(300), None]);
    assert_eq!(newest(300).await, [Some(300), Some(4)]);
    append(&mut store, 301..=1000);
    assert_eq!(newest(1000).await, [Some(1000), Some(4)]);
    // After a restart: erin's message is two days older than the others.
    let digest = Digest::new(100);
    let newest = async || {
        let answer = digest.ask(&reads, 100, (seq(1000), at(1000)), |counts, _| Ok(counts.newest_of("erin")));
        answer.await.unwrap().map(Seq::get)
    };
    let mut asked = 1;
    while newest().await.is_none() {
        asked += 1;
        assert!(asked < 10);
    }
    assert_eq!((newest().await, asked), (Some(4), 9));
}
