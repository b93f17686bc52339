//! Gives a restored log a new epoch, so that a client's saved seq can't mean another message. A log that is older than
//! it was, or a copy that may be older, gets the new epoch at its first start.
//!
//! Two facts reveal a restore. `LOG.lock` is outside the log and has the last committed head: a backup written over the
//! log has a lower one. And the log stores its file's creation time, which a copy can't keep: a backup put in the log's
//! place, or on another machine, is another file.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::UNIX_EPOCH;

use orochi_protocol::Seq;
use rusqlite::{OptionalExtension, Transaction, params};

use super::StoreError;
use super::lock::Lock;

/// The reason for a new epoch.
#[derive(Debug, PartialEq, Eq)]
enum Reason {
    Older { was: Seq },
    Copied,
}

/// Gives the log a new epoch if it was restored, and stores the identity of its file.
pub(super) fn settle(transaction: &Transaction<'_>, lock: &Lock, head: Seq) -> Result<(), StoreError> {
    let epoch = meta(transaction, "epoch")?.unwrap_or_default();
    let Ok(metadata) = lock.metadata() else { return Ok(()) };
    let (known, here) = (meta(transaction, "file")?, identity(&metadata));
    let reason = match lock.noted() {
        Some((noted, was)) if noted == epoch && was > head => Some(Reason::Older { was }),
        Some(_) | None => known.as_ref().is_some_and(|known| *known != here).then_some(Reason::Copied),
    };
    if let Some(reason) = &reason {
        match reason {
            Reason::Older { was } => {
                tracing::warn!("the log ends at {head}, but had reached {was}: an older copy was restored")
            }
            Reason::Copied => tracing::warn!("the log's file is a copy, which may be older than the log"),
        }
        tracing::warn!("the log gets a new epoch: agents continue from their stored cursors");
        put(transaction, "epoch", &uuid::Uuid::new_v4().to_string())?;
    }
    if known.as_ref() != Some(&here) {
        put(transaction, "file", &here)?;
    }
    Ok(())
}

/// Distinguishes a file from its copies. The creation time does not change when a file is renamed, its file system is
/// mounted again, or its device gets another number. If the file system has no creation time, the inode is used.
fn identity(metadata: &Metadata) -> String {
    match metadata.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok()) {
        Some(made) => format!("made {}", made.as_nanos()),
        None => format!("inode {}", metadata.ino()),
    }
}

fn meta(transaction: &Transaction<'_>, key: &str) -> rusqlite::Result<Option<String>> {
    transaction.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

fn put(transaction: &Transaction<'_>, key: &str, value: &str) -> rusqlite::Result<()> {
    transaction.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", params![key, value])?;
    Ok(())
}
