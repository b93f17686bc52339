//! An unusable index loses no messages and is rebuilt from the log.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Log, request, said, seqs};

fn index(folder: &Path) -> PathBuf {
    folder.join("log.search.db")
}

async fn filled() -> Log {
    let mut log = Log::open();
    let contents: Vec<String> = (1..=3000).map(|n| format!("word{n} of many")).collect();
    log.say(&contents.iter().map(|content| said(content)).collect::<Vec<_>>());
    log.indexed().await;
    log
}

async fn check(log: &Log) {
    for n in [1, 1500, 3000] {
        assert_eq!(log.seqs(&format!("word{n}")).await, [n]);
    }
}

#[tokio::test]
async fn search_index_that_was_deleted_is_made_anew() {
    let log = filled().await.reopen(|folder| fs::remove_file(index(folder)).unwrap());
    check(&log).await;
}

#[tokio::test]
async fn search_index_that_is_damaged_or_foreign_is_set_aside_and_made_anew() {
    for bytes in [vec![], b"no database at all, but long enough to be read".to_vec(), vec![0xa5; 64 * 1024]] {
        let log = filled().await.reopen(|folder| fs::write(index(folder), &bytes).unwrap());
        check(&log).await;
        let aside = log.folder.path().join("log.search.db.damaged");
        assert!(bytes.is_empty() || fs::read(aside).unwrap() == bytes);
    }
}

#[tokio::test]
async fn search_index_that_is_damaged_inside_is_noticed_and_made_anew() {
    let log = filled().await.reopen(|folder| {
        let mut bytes = fs::read(index(folder)).unwrap();
        let middle = bytes.len() / 4;
        bytes[middle..].fill(0xa5);
        fs::write(index(folder), bytes).unwrap();
    });
    // The first search may find the damage. If it finds fewer messages, it must say so.
    loop {
        let found = log.found(request("word1500", None)).await;
        if found.indexed_up_to.is_none() {
            assert_eq!(seqs(&found), [1500]);
            break;
        }
    }
    check(&log).await;
}

#[tokio::test]
async fn search_index_newer_than_a_restored_log_is_thrown_away() {
    let copy = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        move |folder: &Path| {
            fs::copy(folder.join(from), folder.join(to)).unwrap();
        }
    };
    let mut log = filled().await.reopen(copy("log.db", "backup.db"));
    log.say(&[said("only in the lost part")]);
    log.indexed().await;
    let mut log = log.reopen(copy("backup.db", "log.db"));
    assert_eq!(log.head(), 3000);
    log.say(&[said("what came instead")]);
    check(&log).await;
    assert!(log.seqs("lost").await.is_empty());
    assert_eq!(log.seqs("instead").await, [3001]);
}

#[tokio::test]
async fn search_without_an_index_goes_on_with_the_newest_and_says_how_far_it_sees() {
    let log = filled().await;
    let mut log = log.reopen(|folder| {
        fs::remove_file(index(folder)).unwrap();
        // The index can't be written where a folder has its name.
        fs::create_dir(index(folder)).unwrap();
    });
    log.say(&[said("goes on")]);
    let found = log.found(request("word1", None)).await;
    assert_eq!((seqs(&found), found.indexed_up_to.map(|seq| seq.get())), (vec![], Some(0)));
}

#[tokio::test]
async fn search_index_inside_an_older_log_moves_out_and_gives_its_space_back() {
    let log = filled().await.reopen(|folder| {
        fs::remove_file(index(folder)).unwrap();
        let db = folder.join("log.db");
        let connection = rusqlite::Connection::open(&db).unwrap();
        // The index as version 5 stored it.
        connection
            .execute_batch(
                "DROP TABLE clock_steps; ALTER TABLE agents DROP COLUMN kept;
                 DROP INDEX agent_states_in_order;
                 CREATE VIRTUAL TABLE messages_fts USING fts5 (content, content='messages', content_rowid='seq');
                 INSERT INTO messages_fts (messages_fts) VALUES ('rebuild');
                 PRAGMA user_version = 5;",
            )
            .unwrap();
        connection.close().unwrap();
    });
    check(&log).await;
    let connection = rusqlite::Connection::open(log.folder.path().join("log.db")).unwrap();
    let left: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'messages_fts%'", [], |row| row.get(0))
        .unwrap();
    let free: i64 = connection.query_row("PRAGMA freelist_count", [], |row| row.get(0)).unwrap();
    assert_eq!((left, free), (0, 0), "no table of it, and no page that is not used");
}
