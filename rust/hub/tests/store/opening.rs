//! Opens a log again, twice, and in a newer version, and files that are not logs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use futures_util::FutureExt;
use orochi_hub::parts::core::{self, Command};
use orochi_hub::parts::store::{AgentRecord, CallState, Message, Place, Reads, Store, StoreError};
use orochi_protocol::{Identity, Seq, Timestamp};
use rusqlite::Connection;

use crate::harness::{Folder, all, append, message, read, seq, time};

fn bob() -> AgentRecord {
    AgentRecord {
        name: "bob".to_owned(),
        identity: Identity {
            machine: "gpu".to_owned(),
            role: "r".to_owned(),
            model: "m".to_owned(),
            agent_id: "bob@gpu".to_owned(),
            project: "p".to_owned(),
        },
        status: "busy".to_owned(),
        current_task: "x".to_owned(),
        progress: Some(0.5),
        channels: vec!["#a".to_owned(), "#b".to_owned()],
        kept: Some(std::collections::BTreeMap::from([("#a".to_owned(), Seq::ZERO.next())])),
        cursor: Some(seq(2)),
        first_head: seq(1),
        first_seen: time(1),
        registered_at: time(2),
        last_seen: time(3),
    }
}

#[test]
fn a_log_opened_again_goes_on_where_it_was() {
    let folder = Folder::new();
    let (mut store, first) = folder.open();
    assert_eq!((first.head, first.agents.len(), first.channels.len()), (seq(0), 0, 0));
    assert_eq!(first.upgraded_from, None);
    append(&mut store, 1..=3).unwrap();
    let record = bob();
    let mut batch = store.begin().unwrap();
    batch.put_agent(&record).unwrap();
    batch.commit().unwrap();
    store.close();
    assert_eq!(folder.files(), ["log.db", "log.db.lock"], "closed in order, everything is in the one file");

    let (mut store, again) = folder.open();
    assert_eq!((again.head, again.last_ts, &again.epoch), (seq(3), time(3), &first.epoch));
    assert_eq!(again.login_key.expose(), first.login_key.expose());
    assert_eq!((again.agents, again.channels), (vec![record], vec!["#c".to_owned()]));
    append(&mut store, 4..=4).unwrap();
    // The store is not closed, as after a crash: committed messages are in the WAL beside the file.
    drop(store);
    let (_store, after) = folder.open();
    assert_eq!(after.head, seq(4));
    assert_eq!(all(&folder.db()).len(), 4);
}

#[test]
fn two_logs_have_two_epochs() {
    let (one, other) = (Folder::new(), Folder::new());
    let (one, other) = (one.open().1, other.open().1);
    assert_ne!(one.epoch, other.epoch);
    assert_ne!(one.login_key.expose(), other.login_key.expose());
}

#[test]
fn a_log_that_another_hub_has_is_refused_with_its_process() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    let error = Store::open(&folder.db()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
    let text = error.to_string();
    let pid = format!("(process {})", std::process::id());
    assert!(text.contains("log.db") && text.contains(&pid) && text.contains("--db"), "{text}");
    drop(store);
    folder.open();
}

#[test]
fn a_log_of_the_first_version_gets_what_came_later_and_keeps_what_it_had() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=3).unwrap();
    let mut batch = store.begin().unwrap();
    batch.put_agent(&bob()).unwrap();
    batch.commit().unwrap();
    store.close();
    Connection::open(folder.db())
        .unwrap()
        .execute_batch(
            "DROP TABLE calls; DROP TABLE agent_states; DROP TABLE marks; DROP TABLE clock_steps;
             ALTER TABLE agents DROP COLUMN kept; DELETE FROM meta WHERE key = 'session_key';
             PRAGMA user_version = 1",
        )
        .unwrap();
    let (mut store, loaded) = folder.open();
    assert_eq!((loaded.head, loaded.login_key.expose().len()), (seq(3), 32));
    // The channels of its last connection are now the name's channels.
    let kept = ["#a", "#b"].map(|channel| (channel.to_owned(), Seq::ZERO));
    assert_eq!(loaded.agents[0].kept, Some(kept.into()));
    let mut begin = || begin_call(&mut store, "1", "make", time(1));
    assert_eq!((begin(), begin()), (CallState::New, CallState::Begun(time(1))));
}

#[test]
fn states_of_connected_agents_end_as_hub_down_when_the_hub_was_last_alive() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    let record = AgentRecord { last_seen: time(5), ..bob() };
    let mut batch = store.begin().unwrap();
    batch.put_agent(&record).unwrap();
    batch.put_state("bob", "busy", time(3)).unwrap();
    batch.commit().unwrap();
    drop(store);
    for _ in 0..2 {
        let (store, loaded) = folder.open();
        let reads = Reads::open(&folder.db(), 1, loaded.legacy_head).unwrap();
        let (core, hub) = core::start(store, loaded, reads).unwrap();
        core.send(Command::Shutdown).now_or_never().unwrap().unwrap();
        hub.join().unwrap();
    }
    let states = read(&folder.db(), Seq::ZERO, |reader| reader.states("bob", time(0), time(100), 10));
    let states: Vec<_> = states.iter().map(|change| (change.state.as_str(), change.ts)).collect();
    assert_eq!(states, [("busy", time(3)), ("hub down", time(5))]);
    let newest = read(&folder.db(), Seq::ZERO, |reader| reader.states("bob", time(4), time(100), 1));
    assert_eq!(
        newest.iter().map(|change| change.ts).collect::<Vec<_>>(),
        [time(5)],
        "the newest, where there are more"
    );
}

fn begin_call(store: &mut Store, id: &str, asked: &str, now: Timestamp) -> CallState {
    let mut batch = store.begin().unwrap();
    let call = batch.begin_call("alice", id, asked, now).unwrap();
    batch.commit().unwrap();
    call
}

#[test]
fn call_noted_with_its_text_by_an_older_hub_is_known_by_its_digest() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(begin_call(&mut store, "1", "abc", time(1)), CallState::New);
    assert_eq!(begin_call(&mut store, "1", digest, time(2)), CallState::Begun(time(1)));
    assert_eq!(begin_call(&mut store, "1", &digest.replace('b', "c"), time(3)), CallState::Other);
}

#[test]
fn a_call_is_remembered_for_a_day() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    let mut begin =
        |id: &str, hours: i64| begin_call(&mut store, id, "make", Timestamp::from_micros(hours * 3_600_000_000));
    let at = |hours: i64| Timestamp::from_micros(hours * 3_600_000_000);
    assert_eq!(
        (begin("1", 0), begin("2", 23), begin("1", 24)),
        (CallState::New, CallState::New, CallState::Begun(at(0)))
    );
    assert_eq!((begin("1", 25), begin("2", 25)), (CallState::New, CallState::Begun(at(23))));
}

#[test]
fn a_newer_log_is_refused_and_not_one_byte_is_changed() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=3).unwrap();
    store.close();
    let newer = Connection::open(folder.db()).unwrap();
    newer.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 99").unwrap();
    drop(newer);
    let before = fs::read(folder.db()).unwrap();
    let error = Store::open(&folder.db()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("99") && error.to_string().contains("not touched"), "{error}");
    assert_eq!(fs::read(folder.db()).unwrap(), before);
    assert_eq!(folder.files(), ["log.db", "log.db.lock"]);
}

#[test]
fn a_file_that_is_no_log_is_refused_and_not_one_byte_is_changed() {
    let folder = Folder::new();
    let other = folder.0.path().join("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE messages (id, text); INSERT INTO messages VALUES (1, 2)")
        .unwrap();
    let numbered = folder.0.path().join("numbered.db");
    Connection::open(&numbered).unwrap().execute_batch("CREATE TABLE t (x); PRAGMA user_version = 1").unwrap();
    let files = [
        fs::read(&other).unwrap(),
        fs::read(&numbered).unwrap(),
        b"hello".to_vec(),
        b"{\"a\": 1}\n".repeat(1000),
        vec![0; 5000],
    ];
    for bytes in files {
        fs::write(folder.db(), &bytes).unwrap();
        let error = Store::open(&folder.db()).unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
        assert!(error.to_string().contains("log.db") && error.to_string().contains("--db"), "{error}");
        assert!(fs::read(folder.db()).unwrap() == bytes, "{error}");
    }
}

#[test]
fn an_empty_file_becomes_a_log() {
    let folder = Folder::new();
    fs::write(folder.db(), b"").unwrap();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=1).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Folder::new();
    let error = Store::open(&folder.0.path().join("no/log.db")).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains("no/log.db"), "{error}");
    let error = Store::open(folder.0.path()).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}

#[test]
fn a_lock_that_a_killed_process_left_is_free() {
    let folder = Folder::new();
    // The file remains, with the process number in it; the lock itself ended with the process.
    fs::write(folder.0.path().join("log.db.lock"), "1").unwrap();
    folder.open();
}

#[test]
fn names_of_an_older_log_are_composed_once() {
    let folder = Folder::new();
    let (decomposed, composed) = ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}");
    let (mut store, _) = folder.open();
    let agent = |name: &str, cursor, first_head| AgentRecord {
        name: name.to_owned(),
        channels: vec![format!("#{name}")],
        kept: None,
        cursor,
        first_head: seq(first_head),
        ..bob()
    };
    let mut batch = store.begin().unwrap();
    batch.put_agent(&agent(decomposed, Some(seq(1)), 0)).unwrap();
    batch.put_agent(&agent(composed, Some(seq(3)), 2)).unwrap();
    batch.put_agent(&agent("\u{212b}", None, 1)).unwrap();
    let mentions = format!("[\"{decomposed}\"]");
    let conversation = format!("@a @{decomposed}");
    for (n, channel, sender) in
        [(1, "#c", "alice"), (2, &*format!("#{decomposed}"), decomposed), (3, &conversation, "a")]
    {
        let addressed = [decomposed.to_owned()];
        let is_addressed = n != 2;
        let written = Message {
            place: Place::parse(channel),
            sender: sender.to_owned(),
            mentions: if n == 1 { mentions.clone() } else { "[]".to_owned() },
            ..message(n, &n.to_string(), "x")
        };
        batch.append(&written, if is_addressed { &addressed } else { &[] }).unwrap();
    }
    batch.commit().unwrap();
    store.close();
    let raw = Connection::open(folder.db()).unwrap();
    raw.execute("DELETE FROM meta WHERE key = 'names_composed'", []).unwrap();
    raw.close().unwrap();

    for _ in 0..2 {
        let (store, loaded) = folder.open();
        let mut agents: Vec<_> =
            loaded.agents.iter().map(|a| (a.name.as_str(), a.cursor, a.first_head.get())).collect();
        agents.sort_unstable();
        assert_eq!(agents, [("\u{c5}", None, 1), (composed, Some(seq(1)), 0)]);
        assert_eq!(loaded.agents.iter().find(|a| a.name == composed).unwrap().channels, [format!("#{composed}")]);
        let mut channels = loaded.channels;
        channels.sort_unstable();
        assert_eq!(channels, ["#c", &format!("#{composed}")]);
        let name = composed.to_owned();
        let waiting = read(&folder.db(), Seq::ZERO, move |reader| {
            let mut seqs = Vec::new();
            reader.addressed(&name, Seq::ZERO, seq(3), |row| {
                seqs.push(row.seq.get());
                std::ops::ControlFlow::Continue(())
            })?;
            Ok(seqs)
        });
        assert_eq!(waiting, [1, 3]);
        let rows = all(&folder.db());
        assert_eq!(rows[0].mentions, format!("[\"{composed}\"]"));
        assert_eq!((rows[1].sender.as_str(), rows[1].place.as_str()), (composed, &*format!("#{composed}")));
        assert_eq!(rows[2].place.as_str(), format!("@a @{composed}"));
        store.close();
    }
}

#[test]
fn lock_is_on_the_file_by_whatever_path_it_is_reached() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    let link = folder.0.path().join("link.db");
    std::os::unix::fs::symlink(folder.db(), &link).unwrap();
    fs::remove_file(folder.0.path().join("log.db.lock")).unwrap();
    for path in [&link, &folder.db()] {
        let error = Store::open(path).unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{path:?}: {error:?}");
    }
    drop(store);
    let (mut store, _) = Store::open(&link).unwrap();
    append(&mut store, 1..=1).unwrap();
    store.close();
    assert_eq!(all(&folder.db()).len(), 1);
    assert!(folder.files().iter().all(|name| !name.starts_with("link.db-")), "{:?}", folder.files());
}

#[test]
fn lock_refuses_a_log_with_a_second_name() {
    let folder = Folder::new();
    folder.open();
    let other = folder.0.path().join("other.db");
    fs::hard_link(folder.db(), &other).unwrap();
    for path in [&other, &folder.db()] {
        let error = Store::open(path).unwrap_err();
        assert!(matches!(error, StoreError::Linked { names: 2, .. }), "{error:?}");
        assert!(error.to_string().contains("hard links"), "{error}");
    }
    fs::remove_file(&other).unwrap();
    folder.open();
}

#[test]
fn log_and_what_stands_beside_it_is_its_owners_only() {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=3).unwrap();
    let mode = |name: &str| fs::metadata(folder.0.path().join(name)).unwrap().permissions().mode() & 0o777;
    for name in folder.files() {
        assert_eq!(mode(&name), 0o600, "{name}");
    }
    drop(store);
    // The files with the mode that an earlier hub gave them.
    for name in folder.files() {
        fs::set_permissions(folder.0.path().join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let (_store, _) = folder.open();
    for name in ["log.db", "log.db-wal", "log.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

/// A copy of the closed log after `upto` messages, in a file of its own.
fn backup(folder: &Folder, upto: u64) -> (PathBuf, String) {
    let (mut store, loaded) = folder.open();
    append(&mut store, loaded.head.get() + 1..=upto).unwrap();
    store.close();
    let backup = folder.0.path().join("backup");
    fs::copy(folder.db(), &backup).unwrap();
    (backup, loaded.epoch)
}

#[test]
fn epoch_is_another_one_after_an_older_backup_was_put_back() {
    for put_back in ["in its place", "over it", "as cp -a does", "without the note"] {
        let folder = Folder::new();
        let (backup, epoch) = backup(&folder, 3);
        let (mut store, again) = folder.open();
        assert_eq!(again.epoch, epoch, "nothing was put back yet");
        append(&mut store, 4..=6).unwrap();
        // The log as a kill leaves it. Its head is noted nevertheless.
        drop(store);
        for name in ["log.db-wal", "log.db-shm"] {
            let _ = fs::remove_file(folder.0.path().join(name));
        }
        match put_back {
            "over it" => drop(fs::copy(&backup, folder.db()).unwrap()),
            "as cp -a does" => {
                fs::remove_file(folder.db()).unwrap();
                fs::copy(&backup, folder.db()).unwrap();
                let times = fs::metadata(&backup).unwrap().modified().unwrap();
                fs::File::options().write(true).open(folder.db()).unwrap().set_modified(times).unwrap();
            }
            _ => fs::rename(&backup, folder.db()).unwrap(),
        }
        if put_back == "without the note" {
            fs::remove_file(folder.0.path().join("log.db.lock")).unwrap();
        }
        let (store, restored) = folder.open();
        assert_eq!(restored.head, seq(3));
        assert_ne!(restored.epoch, epoch, "{put_back}");
        store.close();
        assert_eq!(folder.open().1.epoch, restored.epoch, "{put_back}: once");
    }
}

#[test]
fn epoch_stays_when_nothing_was_put_back() {
    let folder = Folder::new();
    let (_, epoch) = backup(&folder, 3);
    // The log is renamed with its folder after a kill.
    let moved = Folder::new();
    fs::rename(folder.db(), moved.db()).unwrap();
    let (mut store, loaded) = moved.open();
    assert_eq!((loaded.epoch.as_str(), loaded.head), (epoch.as_str(), seq(3)));
    append(&mut store, 4..=5).unwrap();
    drop(store);
    assert_eq!(moved.open().1.epoch, epoch);
}

/// The flags stand in .cargo/config.toml, which a build elsewhere can miss. SQLite lists this one of them; the one that
/// makes it wait for the data alone (fdatasync) it does not list.
#[test]
fn sqlite_is_built_with_our_flags() {
    let connection = Connection::open_in_memory().unwrap();
    let is_used = "SELECT sqlite_compileoption_used('DEFAULT_MEMSTATUS=0')";
    assert!(connection.query_row(is_used, [], |row| row.get::<_, bool>(0)).unwrap());
}
