//! What can go wrong with the log, by what one can do about it.

use std::path::PathBuf;

/// A fault of the log. Each text is one sentence with the way out, where there is one.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a newer version.
    #[error("{path} was written by a newer Orochi (schema {found}, this one knows {known}): upgrade, or name another file with --db; the file was not touched", path = .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The newest one that this program knows.
        known: i64,
    },
    /// Another hub has the file.
    #[error("{path} is in use by another hub{holder}: stop it, or name another file with --db", path = .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// ` (process N)`, where it is known.
        holder: String,
    },
    /// The file has more than one name.
    #[error("{path} has {names} names (hard links), under each of which a hub could write to it: remove the others, or copy the file to a name of its own", path = .path.display())]
    Linked {
        /// The file.
        path: PathBuf,
        /// How many.
        names: u64,
    },
    /// The file is something else.
    #[error("{path} is not an Orochi log ({reason}): name another file with --db; the file was not touched", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: String,
    },
    /// The file or its folder can't be used.
    #[error("cannot open the log {path}: {reason}; make its folder writable, or name another file with --db", path = .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's word.
        reason: String,
    },
    /// The path that was given names no file.
    #[error("the log can't be {path:?}: {reason}; name a file with --db or OROCHI_DB")]
    Path {
        /// As it was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The old file could not be copied before its upgrade.
    #[error("cannot copy {path} before upgrading it: {reason}; the file was not touched", path = .path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// The system's word.
        reason: String,
    },
    /// The file is not where it was when the hub opened it.
    #[error("{path} was removed, moved or replaced while the hub runs, so nothing more is written: put it back, or restart the hub to go on with what is there now", path = .path.display())]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// The disk refused a read or a write; it may go through later.
    #[error("{}", disk_reason(.0))]
    Disk(#[from] rusqlite::Error),
    /// A read was stopped because it took too long.
    #[error("reading took longer than {seconds} s and was stopped: name a channel, a sender, a time or rarer words")]
    Deadline {
        /// How long it may take.
        seconds: u64,
    },
    /// Too many searches wait already.
    #[error("too many searches are under way; try again in a moment")]
    Busy,
    /// A reader's thread ended, or the hub stops.
    #[error("a reader of the log stopped")]
    ReaderGone,
}

fn disk_reason(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; free some space and try again".to_owned(),
        Some(ErrorCode::ReadOnly) => "the file system is read-only; make it writable and try again".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds the log's write lock; end it, or try again when it is done".to_owned()
        }
        Some(ErrorCode::SystemIoFailure) => format!("the disk refused ({error}); check it and try again"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            format!("the file is damaged ({error}); restore it from a backup")
        }
        _ => error.to_string(),
    }
}
