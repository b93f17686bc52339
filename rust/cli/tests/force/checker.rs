//! Checks that hold whatever happened: compares the log with every ack and with the messages of each receiver.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use orochi_hub::parts::store::{Message, Reads, Store};
use orochi_protocol::Seq;

/// One ack of a sender.
#[derive(Debug, Clone)]
pub struct Acked {
    /// The message's id.
    pub id: String,
    /// The seq in the ack.
    pub seq: Seq,
}

/// Reads the whole log after its hub has ended.
pub async fn read_log(db: &Path) -> Vec<Message> {
    // Open the writer first: it recovers what a killed hub left in the WAL.
    let (store, loaded) = Store::open(db).expect("the log opens after whatever happened");
    let reads = Reads::open(db, 1, loaded.legacy_head).expect("a reader opens");
    let log = reads.run(move |reader| {
        let mut log = Vec::new();
        reader.scan(Seq::ZERO, loaded.head, |message| {
            log.push(message.clone());
            ControlFlow::Continue(())
        })?;
        Ok(log)
    });
    let log = log.await.expect("the log is readable");
    store.close();
    log
}

/// Checks that the log has no gap, no id twice, and every ack's message at its seq. Each sender numbers its messages in
/// their content (`<sender> <n>`); all of them must be there in order.
pub fn check_log(log: &[Message], acks: &[Acked], sent_by: &HashMap<String, usize>) {
    for (at, message) in log.iter().enumerate() {
        assert_eq!(message.seq.get(), at as u64 + 1, "the log has a hole");
    }
    let places: HashMap<&str, Seq> = log.iter().map(|message| (message.id.as_str(), message.seq)).collect();
    assert_eq!(places.len(), log.len(), "a message is in the log twice");
    for ack in acks {
        assert_eq!(places.get(ack.id.as_str()), Some(&ack.seq), "acked, and not in the log there: {ack:?}");
    }
    for (sender, count) in sent_by {
        let numbers: Vec<usize> =
            log.iter().filter(|message| message.sender == *sender).map(|message| number(&message.content)).collect();
        let expected: Vec<usize> = (0..*count).collect();
        assert_eq!(numbers, expected, "{sender}'s messages are not all there, once, in its order");
    }
}

/// Checks that a receiver got every message of the others once, in log order.
pub fn check_received(name: &str, received: &[(Seq, String)], log: &[Message]) {
    let expected: Vec<(Seq, String)> =
        log.iter().filter(|message| message.sender != name).map(|message| (message.seq, message.id.clone())).collect();
    if received == expected {
        return;
    }
    let got: HashSet<&(Seq, String)> = received.iter().collect();
    let lost: Vec<_> = expected.iter().filter(|one| !got.contains(one)).take(5).collect();
    let doubled = received.len() - got.len();
    panic!(
        "{name} got {} of {} messages; {doubled} doubled; first lost: {lost:?}; in order: {}",
        received.len(),
        expected.len(),
        received.is_sorted_by_key(|(seq, _)| *seq)
    );
}

fn number(content: &str) -> usize {
    content.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("content is `<sender> <n>`")
}
