//! Errors of the log, one variant for each remedy.

use std::path::PathBuf;

/// An error of the log. Each text is one sentence, with the remedy if there is one.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a newer version.
    #[error("{path} was written by a newer Orochi (schema {found}, this one knows {known}): upgrade, or name another file with --db; the file was not touched", path = .path.display())]
    Newer {
        path: PathBuf,
        /// The file's schema version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Another hub uses the file.
    #[error("{path} is in use by another hub{holder}: stop it, or name another file with --db", path = .path.display())]
    Locked {
        path: PathBuf,
        /// ` (process N)`, if known.
        holder: String,
    },
    /// The file has more than one name.
    #[error("{path} has {names} names (hard links), under each of which a hub could write to it: remove the others, or copy the file to a name of its own", path = .path.display())]
    Linked { path: PathBuf, names: u64 },
    /// The file is not a log.
    #[error("{path} is not an Orochi log ({reason}): name another file with --db; the file was not touched", path = .path.display())]
    Foreign {
        path: PathBuf,
        /// The kind of file that was found.
        reason: String,
    },
    /// The file or its folder can't be used.
    #[error("cannot open the log {path}: {reason}; make its folder writable, or name another file with --db", path = .path.display())]
    Open {
        path: PathBuf,
        /// The system's error text.
        reason: String,
    },
    /// The given path names no file.
    #[error("the log can't be {path:?}: {reason}; name a file with --db or OROCHI_DB")]
    Path { path: PathBuf, reason: String },
    /// The old file could not be copied before its upgrade.
    #[error("cannot copy {path} before upgrading it: {reason}; the file was not touched", path = .path.display())]
    Copy {
        path: PathBuf,
        /// The system's error text.
        reason: String,
    },
    /// The file is no longer where the hub opened it.
    #[error("{path} was removed, moved or replaced while the hub runs, so nothing more is written: put it back, or restart the hub to continue with the present file", path = .path.display())]
    Moved { path: PathBuf },
    /// The disk refused a read or a write. A later one may succeed.
    #[error("{}", disk_reason(.0))]
    Disk(#[from] rusqlite::Error),
    /// A read was stopped because it took too long.
    #[error("reading took longer than {seconds} s and was stopped: name a channel, a sender, a time or rarer words")]
    Deadline {
        /// The limit.
        seconds: u64,
    },
    /// Too many searches are already waiting.
    #[error("too many searches are running; try again in a moment")]
    Busy,
    /// A reader's thread ended, or the hub is stopping.
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
