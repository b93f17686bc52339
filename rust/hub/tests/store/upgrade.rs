//! Upgrades a log of scitex-orochi 0.1.0 in place (section 10).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use orochi_hub::parts::store::{Message, Place, Store, StoreError};
use orochi_protocol::request::HistoryFilter;
use orochi_protocol::{Seq, Timestamp};
use rusqlite::{Connection, params};

use crate::harness::{Folder, all, history, message, read, search, seq};

/// The tables of 0.1.0.
const LEGACY: &str = "
    CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, msg_id TEXT NOT NULL, ts TEXT NOT NULL,
        channel TEXT NOT NULL, sender TEXT NOT NULL, content TEXT NOT NULL, mentions TEXT, metadata TEXT);
    CREATE INDEX idx_messages_channel ON messages (channel);
    CREATE INDEX idx_messages_sender ON messages (sender);
    CREATE INDEX idx_messages_ts ON messages (ts);";

/// The columns id, msg_id, ts, channel, sender, content, mentions, metadata.
type Row = (
    i64,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

const ROWS: [Row; 9] = [
    (
        3,
        "a",
        "2026-01-15T10:30:00.123456+00:00",
        "#general",
        "alice",
        "hello @bob",
        Some(r#"["bob"]"#),
        Some(r#"{"n": 1.50}"#),
    ),
    (
        4,
        "0197F3C0-0000-7000-8000-00000000000A",
        "2026-01-15T19:30:01+09:00",
        "#general",
        "bob",
        "same moment and a second",
        None,
        None,
    ),
    // The same sender and id again: the message gets another id.
    (7, "a", "2026-01-15T10:31:00", "#general", "alice", "hello again", None, None),
    // Another sender may use the same id.
    (8, "a", "not a time", "#general", "bob", "what time is it", None, Some("not json")),
    (9, "b", "", "general", "carol", "a bare name", None, Some("[1]")),
    // The clock went back.
    (10, "c", "2020-01-01", "#general", "odd name!", "from the past @alice @carol", Some("broken"), None),
    (12, "d", "2026-01-15T10:32:00Z", "#a b", "", "odd names are taken as they are", None, None),
    (13, "", "2026-01-15T10:33:00Z", "#ops", "alice", "", None, None),
    (14, "e", "2026-01-15T10:34:00Z", "@bob", "alice", "to bob?", None, None),
];

fn legacy(folder: &Folder) {
    let connection = Connection::open(folder.db()).unwrap();
    connection.execute_batch(LEGACY).unwrap();
    for (id, msg_id, ts, channel, sender, content, mentions, metadata) in ROWS {
        let sql = "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        connection.execute(sql, params![id, msg_id, ts, channel, sender, content, mentions, metadata]).unwrap();
    }
    // 0.1.0 keeps 500 rows, so numbers above the last row were used.
    connection.execute("UPDATE sqlite_sequence SET seq = 20 WHERE name = 'messages'", []).unwrap();
}

#[test]
fn every_row_is_kept_in_its_order_under_its_number() {
    let folder = Folder::new();
    legacy(&folder);
    let (store, loaded) = folder.open();
    assert_eq!((loaded.head, loaded.legacy_head), (seq(20), seq(20)));
    assert_eq!(loaded.channels, ["#a b", "#general", "#ops"]);
    let rows = all(&folder.db());
    assert_eq!(rows.len(), ROWS.len());
    for (row, (id, _, _, channel, sender, content, _, _)) in rows.iter().zip(ROWS) {
        let seen = (row.seq.as_i64(), row.place.as_str(), row.sender.as_str(), row.content.as_str());
        assert_eq!(seen, (id, channel, sender, content));
    }
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!((ids[0], ids[1], ids[3]), ("a", "0197F3C0-0000-7000-8000-00000000000A", "a"));
    assert!(ids[2] != "a" && ids[2].len() == 36, "{ids:?}");
    let times: Vec<String> = rows.iter().map(|row| row.ts.to_string()).collect();
    let expected = ["10:30:00.123456", "10:30:01.000000", "10:31:00.000000", "10:31:00.000000", "10:31:00.000000"];
    for (time, expected) in times.iter().zip(expected) {
        assert_eq!(*time, format!("2026-01-15T{expected}+00:00"));
    }
    assert_eq!(times[5], "2020-01-01T00:00:00.000000+00:00");
    assert_eq!(loaded.last_ts, Timestamp::parse("2026-01-15T10:34:00Z").unwrap(), "the newest time, not the last");
    assert_eq!(
        (rows[0].metadata.as_str(), rows[3].metadata.as_str(), rows[4].metadata.as_str()),
        (r#"{"n": 1.50}"#, "{}", "{}")
    );
    assert_eq!((rows[0].mentions.as_str(), rows[5].mentions.as_str()), (r#"["bob"]"#, r#"["alice","carol"]"#));
    drop(store);
}

#[test]
fn what_was_taken_over_is_found_and_what_comes_after_joins_it() {
    let folder = Folder::new();
    legacy(&folder);
    let (mut store, loaded) = folder.open();
    let mut batch = store.begin().unwrap();
    let next = message(loaded.head.get() + 1, "new", "hello from the new hub");
    batch.append(&Message { place: Place::parse("#general"), ts: loaded.last_ts, ..next }, &[]).unwrap();
    batch.commit().unwrap();
    let db = folder.db();
    let mut found = search(&db, "hello", None);
    found.sort_unstable();
    assert_eq!(found, [3, 7, 21]);
    let addressed = read(&db, loaded.legacy_head, |reader| {
        let mut seqs = Vec::new();
        for agent in ["bob", "alice", "carol"] {
            reader.addressed(agent, Seq::ZERO, Seq::MAX, |row| {
                seqs.push((agent, row.seq.get()));
                std::ops::ControlFlow::Continue(())
            })?;
        }
        Ok(seqs)
    });
    assert_eq!(addressed, [("bob", 3), ("alice", 10), ("carol", 10)]);
    // Messages with times that went back are still found by time.
    let since = |text: &str| HistoryFilter { since: Timestamp::parse(text), ..HistoryFilter::default() };
    let until = |text: &str| HistoryFilter { until: Timestamp::parse(text), ..HistoryFilter::default() };
    let general = |filter| history(&db, loaded.legacy_head, "#general", filter);
    assert_eq!(general(HistoryFilter::default()), [21, 10, 8, 7, 4, 3]);
    assert_eq!(general(since("2026-01-15T10:31:00Z")), [21, 8, 7]);
    assert_eq!(general(until("2026-01-15T10:30:30Z")), [10, 4, 3]);
    drop(store);
    let (_, again) = folder.open();
    assert_eq!((again.head, again.upgraded_from, again.epoch), (seq(21), None, loaded.epoch));
}

#[test]
fn the_old_file_is_copied_beside_and_the_copy_is_whole() {
    let folder = Folder::new();
    legacy(&folder);
    fs::write(folder.0.path().join("log.db.0.1.0"), "somebody's own file").unwrap();
    let (_store, loaded) = folder.open();
    let copy = loaded.upgraded_from.unwrap();
    assert_eq!(copy, folder.0.path().join("log.db.0.1.0.1"), "nothing is written over");
    let copied = Connection::open(copy).unwrap();
    let count: u32 = copied.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(count as usize, ROWS.len());
    let last: i64 = copied.query_row("SELECT seq FROM sqlite_sequence", [], |row| row.get(0)).unwrap();
    assert_eq!(last, 20, "0.1.0 can go on with the copy");
}

#[test]
fn rows_that_are_only_in_the_old_wal_are_taken_over() {
    let folder = Folder::new();
    legacy(&folder);
    let crashed = Folder::new();
    let writer = Connection::open(folder.db()).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
    writer
        .execute(
            "INSERT INTO messages VALUES (30, 'w', '2026-01-16', '#general', 'alice', 'in the wal', NULL, NULL)",
            [],
        )
        .unwrap();
    for file in ["log.db", "log.db-wal"] {
        fs::copy(folder.0.path().join(file), crashed.0.path().join(file)).unwrap();
    }
    let (_store, loaded) = crashed.open();
    assert_eq!(loaded.head, seq(30));
    assert_eq!(all(&crashed.db()).last().unwrap().content, "in the wal");
}

#[test]
fn an_old_log_without_a_row_becomes_an_empty_one() {
    let folder = Folder::new();
    Connection::open(folder.db()).unwrap().execute_batch(LEGACY).unwrap();
    let (_store, loaded) = folder.open();
    assert_eq!((loaded.head, all(&folder.db()).len()), (seq(0), 0));
}

#[test]
fn where_no_copy_can_be_made_the_old_file_stays_as_it_is() {
    let folder = Folder::new();
    legacy(&folder);
    let before = fs::read(folder.db()).unwrap();
    for n in 0..1000 {
        let name = if n == 0 { "log.db.0.1.0".to_owned() } else { format!("log.db.0.1.0.{n}") };
        fs::write(folder.0.path().join(name), "").unwrap();
    }
    let error = Store::open(&folder.db()).unwrap_err();
    assert!(matches!(error, StoreError::Copy { .. }), "{error:?}");
    assert!(fs::read(folder.db()).unwrap() == before);
}

#[test]
fn upgrade_copy_of_a_killed_start_is_kept_and_half_a_copy_is_not() {
    let folder = Folder::new();
    legacy(&folder);
    // One start was killed after its copy, and an earlier one during its copy.
    let old = fs::read(folder.db()).unwrap();
    drop(folder.open());
    fs::write(folder.db(), &old).unwrap();
    fs::write(folder.0.path().join("log.db.0.1.0.partial"), "half").unwrap();
    let (_store, loaded) = folder.open();
    assert_eq!(loaded.upgraded_from.unwrap(), folder.0.path().join("log.db.0.1.0"));
    let copies: Vec<String> = folder.files().into_iter().filter(|name| name.contains("0.1.0")).collect();
    assert!(!copies.contains(&"log.db.0.1.0.1".to_owned()), "{copies:?}");
    assert_eq!(fs::metadata(folder.0.path().join("log.db.0.1.0")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn upgrade_numbers_rows_anew_where_their_numbers_leave_no_room() {
    for odd in [i64::MAX, -5] {
        let folder = Folder::new();
        legacy(&folder);
        let connection = Connection::open(folder.db()).unwrap();
        let sql = "INSERT INTO messages VALUES (?1, 'last', '2026-01-16', '#general', 'alice', 'odd', NULL, NULL)";
        connection.execute(sql, [odd]).unwrap();
        drop(connection);
        let (mut store, loaded) = folder.open();
        let rows = all(&folder.db());
        let seqs: Vec<u64> = rows.iter().map(|row| row.seq.get()).collect();
        assert_eq!(seqs, (1..=10).collect::<Vec<u64>>());
        let odd_row = if odd < 0 { rows.first() } else { rows.last() };
        assert_eq!(odd_row.unwrap().content, "odd", "the order stays");
        assert_eq!(loaded.head, seq(10));
        let mut batch = store.begin().unwrap();
        batch.append(&message(11, "new", "there is room"), &[]).unwrap();
        batch.commit().unwrap();
    }
}

#[test]
fn upgrade_takes_texts_that_are_not_utf_8() {
    let folder = Folder::new();
    legacy(&folder);
    let connection = Connection::open(folder.db()).unwrap();
    let sql = "INSERT INTO messages VALUES (15, CAST(?1 AS TEXT), '2026-01-16', CAST(?1 AS TEXT), CAST(?1 AS TEXT),
               CAST(?1 AS TEXT), CAST(?1 AS TEXT), CAST(?1 AS TEXT))";
    connection.execute(sql, [b"caf\xe9 @bob".as_slice()]).unwrap();
    drop(connection);
    let (_store, loaded) = folder.open();
    assert_eq!(loaded.head, seq(20));
    let rows = all(&folder.db());
    let last = rows.last().unwrap();
    assert_eq!((last.content.as_str(), last.mentions.as_str()), ("caf\u{fffd} @bob", r#"["bob"]"#));
}
