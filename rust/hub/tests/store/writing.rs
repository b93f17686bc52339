//! Transactions: a batch is written whole or not at all, an id is used once for each sender, and all indexes agree.

use orochi_hub::parts::core::system_clock;
use orochi_hub::parts::store::{Appended, CallState, Forgettable, Message, Place};
use orochi_protocol::request::HistoryFilter;
use orochi_protocol::{AgentName, ChannelName, Seq, Timestamp};

use crate::harness::{Folder, all, append, history, message, read, search, seq, time};

#[test]
fn a_batch_that_is_dropped_has_not_happened_and_its_places_are_used_again() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=2).unwrap();
    let mut batch = store.begin().unwrap();
    let lost = Message { place: Place::parse("#lost"), ..message(3, "i-3", "lost words") };
    assert_eq!(batch.append(&lost, &["bob".to_owned()]).unwrap(), Appended::New);
    drop(batch);
    append(&mut store, 3..=3).unwrap();
    let contents: Vec<String> = all(&folder.db()).into_iter().map(|row| row.content).collect();
    assert_eq!(contents, ["message 1", "message 2", "message 3"]);
    assert!(search(&folder.db(), "lost", None).is_empty());
    // A channel that occurred only in the dropped batch is stored when it occurs again.
    let mut batch = store.begin().unwrap();
    batch.append(&Message { place: Place::parse("#lost"), ..message(4, "i-4", "found") }, &[]).unwrap();
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
        assert_eq!(batch.append(&first, &[]).unwrap(), Appended::New);
        let again = message(head + 2, id, "second");
        for _ in 0..2 {
            match batch.append(&again, &[]).unwrap() {
                Appended::Known(known) => {
                    assert_eq!((known.seq, known.content.as_str(), known.id.as_str()), (first.seq, "first", id))
                }
                Appended::New => panic!("{id} was taken twice"),
            }
        }
        let other = Message { sender: "bob".to_owned(), ..again };
        assert_eq!(batch.append(&other, &[]).unwrap(), Appended::New);
        batch.commit().unwrap();
        let mut batch = store.begin().unwrap();
        assert!(matches!(batch.append(&message(head + 3, id, "third"), &[]).unwrap(), Appended::Known(_)));
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
    let written = Message {
        place: Place::parse("@alice @bob"),
        mentions: r#"["bob"]"#.to_owned(),
        metadata: r#"{"n":1.50}"#.to_owned(),
        reply_to: Some(seq(1)),
        extra: Some(r#"{"k":[]}"#.to_owned()),
        ..message(1, "ö ☃", "nul \0 and ☃")
    };
    let mut batch = store.begin().unwrap();
    batch.append(&written, &["bob", "bob"].map(str::to_owned)).unwrap();
    batch.append(&message(2, "i-2", ""), &[]).unwrap();
    batch.commit().unwrap();
    let rows = all(&folder.db());
    assert_eq!(rows[0], written);
    assert_eq!((rows[0].id.as_str(), rows[0].place.as_str()), ("ö ☃", "@alice @bob"));
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
    // A conversation is not listed as a channel.
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

fn states_of(folder: &Folder, agent: &str) -> Vec<(String, Timestamp)> {
    let agent = agent.to_owned();
    let states = read(&folder.db(), Seq::ZERO, move |reader| reader.states(&agent, time(0), time(10_000_000), 100_000));
    states.into_iter().map(|change| (change.state, change.ts)).collect()
}

#[test]
fn states_of_one_agent_are_bounded() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    let mut batch = store.begin().unwrap();
    // A hundred changes a second for half an hour, and an agent that rarely changes.
    for n in 0..180_000_i64 {
        let now = Timestamp::from_micros(time(100).as_micros() + n * 10_000);
        batch.put_state("busy-body", &format!("s{n}"), now).unwrap();
    }
    batch.put_state("quiet", "idle", time(3000)).unwrap();
    batch.commit().unwrap();
    let states = states_of(&folder, "busy-body");
    assert!((1700..=1900).contains(&states.len()), "about one a second: {}", states.len());
    assert_eq!(states.last().unwrap().0, "s179999", "the newest is what it is in");
    assert_eq!(states_of(&folder, "quiet").len(), 1);
    // One change each second for four hours.
    let mut batch = store.begin().unwrap();
    for n in 0..14_400 {
        batch.put_state("busy-body", &format!("t{n}"), time(10_000 + n)).unwrap();
    }
    batch.commit().unwrap();
    let states = states_of(&folder, "busy-body");
    assert!((10_000..=10_100).contains(&states.len()), "{}", states.len());
    assert_eq!(states.last().unwrap().0, "t14399");
}

#[test]
fn states_are_not_deleted_at_once_by_a_clock_that_is_ahead() {
    const DAY: u64 = 86_400;
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    let mut batch = store.begin().unwrap();
    for day in 0..20 {
        batch.put_state("alice", &format!("day {day}"), time(day * DAY)).unwrap();
    }
    // 400 days ahead for some changes, and back.
    for n in 0..50 {
        batch.put_state("bob", &n.to_string(), time(400 * DAY + n * 60)).unwrap();
    }
    batch.put_state("alice", "day 20", time(20 * DAY)).unwrap();
    batch.commit().unwrap();
    let states = states_of(&folder, "alice");
    assert!(states.len() >= 20, "a day's worth at most: {states:?}");
    assert_eq!(states.last().unwrap().0, "day 20");
    drop(store);
    // Once the time has really passed, one day is removed with each hour of a hub, and with each start.
    let (mut store, _) = folder.open();
    let mut batch = store.begin().unwrap();
    batch.put_state("alice", "later", time(400 * DAY)).unwrap();
    batch.commit().unwrap();
    assert!(states_of(&folder, "alice").len() < states.len() + 1);
}

#[test]
fn calls_and_ended_logins_are_not_forgotten_by_a_clock_that_is_ahead() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    let now = system_clock();
    let ahead = Timestamp::from_micros(now.as_micros() + 400 * 86_400_000_000);
    let mut batch = store.begin().unwrap();
    assert_eq!(batch.begin_call("alice", "1", "digest", now).unwrap(), CallState::New);
    batch.end_login("expired", 1).unwrap();
    assert_eq!(batch.begin_call("alice", "2", "digest", ahead).unwrap(), CallState::New);
    batch.end_login("other", i64::MAX).unwrap();
    assert_eq!(batch.begin_call("alice", "1", "digest", now).unwrap(), CallState::Begun(now));
    batch.commit().unwrap();
    drop(store);
    // The hub starts while the clock is ahead.
    let (mut store, loaded) = folder.open();
    let mut batch = store.begin().unwrap();
    assert_eq!(batch.begin_call("alice", "1", "digest", ahead).unwrap(), CallState::Begun(now));
    assert_eq!(loaded.ended_logins.len(), 2);
}

#[test]
fn forgotten_names_and_channels_are_not_known_any_more_and_messages_stay() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=3).unwrap();
    let mut batch = store.begin().unwrap();
    batch.put_state("alice", "busy", time(1)).unwrap();
    batch.commit().unwrap();
    let agent = Forgettable::Agent(AgentName::parse("alice").unwrap());
    let channel = Forgettable::Channel(ChannelName::parse("#c").unwrap());
    assert_eq!(store.forget(&[agent.clone(), channel.clone()]).unwrap(), [agent], "it never registered");
    assert!(states_of(&folder, "alice").is_empty());
    store.close();
    let (mut store, loaded) = folder.open();
    assert_eq!((loaded.channels.len(), all(&folder.db()).len()), (0, 3));
    append(&mut store, 4..=4).unwrap();
    drop(store);
    assert_eq!(folder.open().1.channels, ["#c"], "something was said in it again");
}
