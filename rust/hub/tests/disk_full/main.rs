//! A full disk: the hub refuses writes, and continues when there is space again.
//!
//! This is a program of its own because it starts `mount`: a starting process holds, for a moment, the locks of all
//! logs that other tests have open.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "shared with the store's other tests")]
#[path = "../store/harness.rs"]
mod harness;
#[allow(dead_code, reason = "shared with the other tests of search")]
#[path = "../search/harness.rs"]
mod search;

use std::fs;
use std::path::Path;
use std::process::Command;

use orochi_hub::parts::store::{Store, StoreError};

use crate::harness::{all, append, message};

/// A file system of two megabytes in memory. Dropping it unmounts it.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Returns None if this user may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder)),
            Ok(_) | Err(_) => {
                eprintln!("skipped: a full disk needs a small file system, and this user may not mount one");
                None
            }
        }
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(self.0.path()).status().unwrap();
        assert!(grown.success());
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_the_whole_batch_and_takes_it_when_there_is_space() {
    let Some(disk) = SmallDisk::mount() else { return };
    let db = disk.path().join("log.db");
    let (mut store, _) = Store::open(&db).unwrap();
    append(&mut store, 1..=10).unwrap();
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 1024 * 1024]).unwrap();

    let content = "many words ".repeat(1000);
    let mut head = 10;
    let error = loop {
        let mut batch = store.begin().unwrap();
        let (one, two) = (format!("i-{}", head + 1), format!("i-{}", head + 2));
        let appended = batch
            .append(&message(head + 1, &one, &content), &[])
            .and_then(|_| batch.append(&message(head + 2, &two, "short"), &[]));
        match appended.and_then(|_| batch.commit()) {
            Ok(()) => head += 2,
            Err(error) => break error,
        }
        assert!(head < 1000, "the disk never filled");
    };
    assert!(matches!(error, StoreError::Disk(_)), "{error:?}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(all(&db).len() as u64, head, "the log is readable and ends where it did");

    fs::remove_file(&ballast).unwrap();
    store.probe().unwrap();
    append(&mut store, head + 1..=head + 2).unwrap();
    drop(store);
    let (_store, loaded) = Store::open(&db).unwrap();
    assert_eq!(loaded.head.get(), head + 2);
    let seqs: Vec<u64> = all(&db).iter().map(|row| row.seq.get()).collect();
    assert_eq!(seqs, (1..=head + 2).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn search_index_on_a_full_disk_of_its_own_stops_no_message_and_says_how_far_it_reaches() {
    let Some(disk) = SmallDisk::mount() else { return };
    let target = disk.path().join("index.db");
    let mut log = search::Log::open().reopen(|folder| {
        let index = folder.join("log.search.db");
        // The hub may have stopped before it created the file.
        let _ = fs::remove_file(&index);
        std::os::unix::fs::symlink(&target, &index).unwrap();
    });
    // Far more words than fit into two megabytes.
    let texts = |from: usize| -> Vec<String> {
        (from..from + 10_000).map(|n| format!("needle{n} {n:0>40} {n:a>40} {n:b>40}")).collect()
    };
    for from in (0..60_000).step_by(10_000) {
        let texts = texts(from);
        log.say(&texts.iter().map(|text| search::said(text)).collect::<Vec<_>>());
    }
    let found = log.found(search::request("needle59999", None)).await;
    let reach = found.indexed_up_to.expect("an index that is behind says so").get();
    assert!(reach < 59_000, "{reach}");
    assert_eq!(log.head(), 60_000, "messages went on");

    disk.grow();
    log.indexed().await;
    for n in [0, 30_000, 59_999] {
        assert_eq!(log.seqs(&format!("needle{n}")).await, [n + 1]);
    }
    log.search.stop();
}
