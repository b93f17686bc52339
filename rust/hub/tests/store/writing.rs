//! Transactions: all of a batch or nothing, ids once a sender, and each index in step.

use orochi_hub::store::{Appended, NewMessage};
use orochi_protocol::Seq;
use orochi_protocol::request::HistoryFilter;

use crate::harness::{Folder, all, append, history, message, read, search, seq};

#[test]
fn a_batch_that_is_dropped_has_not_happened_and_its_places_are_used_again() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=2).unwrap();
    let mut batch = store.begin().unwrap();
    let lost = NewMessage { channel: "#lost", addressed: &["bob"], ..message(3, "i-3", "lost words") };
    assert_eq!(batch.append(&lost).unwrap(), Appended::New);
    drop(batch);
    append(&mut store, 3..=3).unwrap();
    let contents: Vec<String> = all(&folder.db()).into_iter().map(|row| row.content).collect();
    assert_eq!(contents, ["message 1", "message 2", "message 3"]);
    assert!(search(&folder.db(), "lost", None).is_empty());
    // A channel that only the dropped batch had is still made known when it comes again.
    let mut batch = store.begin().unwrap();
    batch.append(&NewMessage { channel: "#lost", ..message(4, "i-4", "found") }).unwrap();
    batch.commit().unwrap();
    drop(store);
    let (_, loaded) = folder.open();
    assert_eq!(loaded.channels, ["#c", "#lost"]);
}

#[test]
fn an_id_is_once_a_sender_within_a_batch_and_after_it() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    for id in ["plain", "0197f3c0-0000-7000-8000-00000000000a"] {
        let head = all(&folder.db()).len() as u64;
        let first = message(head + 1, id, "first");
        let mut batch = store.begin().unwrap();
        assert_eq!(batch.append(&first).unwrap(), Appended::New);
        let again = message(head + 2, id, "second");
        for _ in 0..2 {
            match batch.append(&again).unwrap() {
                Appended::Known(known) => {
                    assert_eq!((known.seq, known.content.as_str(), known.id.as_str()), (first.seq, "first", id))
                }
                Appended::New => panic!("{id} was taken twice"),
            }
        }
        let other = NewMessage { sender: "bob", ..again };
        assert_eq!(batch.append(&other).unwrap(), Appended::New);
        batch.commit().unwrap();
        let mut batch = store.begin().unwrap();
        assert!(matches!(batch.append(&message(head + 3, id, "third")).unwrap(), Appended::Known(_)));
        batch.commit().unwrap();
    }
    assert_eq!(all(&folder.db()).len(), 4);
    assert_eq!(search(&folder.db(), "second", None).len(), 2);
    assert!(search(&folder.db(), "third", None).is_empty());
}

#[test]
fn a_message_is_read_as_it_was_written() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    let written = NewMessage {
        channel: "@alice @bob",
        content: "nul \0 and ☃",
        mentions: r#"["bob"]"#,
        metadata: r#"{"n":1.50}"#,
        reply_to: Some(seq(1)),
        extra: Some(r#"{"k":[]}"#),
        addressed: &["bob", "bob"],
        ..message(1, "ö ☃", "")
    };
    let mut batch = store.begin().unwrap();
    batch.append(&written).unwrap();
    batch.append(&message(2, "i-2", "")).unwrap();
    batch.commit().unwrap();
    let rows = all(&folder.db());
    let row = &rows[0];
    assert_eq!((row.seq, row.id.as_str(), row.ts, row.sender.as_str()), (written.seq, "ö ☃", written.ts, "alice"));
    assert_eq!((row.channel.as_str(), row.content.as_str()), (written.channel, written.content));
    assert_eq!((row.mentions.as_str(), row.metadata.as_str()), (written.mentions, written.metadata));
    assert_eq!((row.reply_to, row.extra.as_deref()), (written.reply_to, written.extra));
    assert_eq!((rows[1].mentions.as_str(), rows[1].metadata.as_str(), rows[1].extra.as_deref()), ("[]", "{}", None));
    let mut addressed = read(&folder.db(), Seq::ZERO, |reader| {
        let mut seqs = Vec::new();
        reader.addressed("bob", Seq::ZERO, Seq::MAX, |row| {
            seqs.push(row.seq.get());
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(seqs)
    });
    assert_eq!(std::mem::take(&mut addressed), [1], "named twice, it is addressed once");
    assert_eq!(history(&folder.db(), Seq::ZERO, "@alice @bob", HistoryFilter::default()), [1]);
    // A conversation is no channel.
    drop(store);
    assert_eq!(folder.open().1.channels, ["#c"]);
}

#[test]
fn the_probe_leaves_nothing_that_a_reader_sees() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    store.probe().unwrap();
    store.probe().unwrap();
    append(&mut store, 1..=1).unwrap();
    assert_eq!(all(&folder.db()).len(), 1);
}
