//! Allows one hub for each log. The lock is on the log's own file, so every name and path leads to the same lock. The
//! system releases it however the hub ends.
//!
//! It is a flock(2) of an open file. SQLite uses POSIX byte-range locks of a process, which flock does not affect. But
//! a process loses all its POSIX locks of a file when it closes any descriptor of that file. So the lock's descriptor
//! is opened before SQLite opens the file and closed after SQLite closes it, and no other code opens a log while a hub
//! uses it.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use orochi_protocol::Seq;

use super::StoreError;
use super::files::{FileId, beside};

/// Only the hub's user may read messages and the key of logins.
const PRIVATE: u32 = 0o600;
/// The position of epoch and head in the note beside the log. The process number comes before.
const MARK_AT: u64 = 32;

/// Logs that this process has open. Opening and closing a second descriptor of one of them would release its locks.
static HELD: LazyLock<Mutex<HashSet<FileId>>> = LazyLock::new(Mutex::default);

/// The lock of one log. Dropping it releases the lock.
#[derive(Debug)]
pub(super) struct Lock {
    /// The log's path, without symbolic links.
    pub(super) path: PathBuf,
    log: File,
    /// `LOG.lock`: shows other processes who has the log, and tells the next start its newest head.
    note: File,
    id: FileId,
}

impl Drop for Lock {
    fn drop(&mut self) {
        HELD.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Lock {
    /// Locks the log at `db`, which is created if missing.
    pub(super) fn take(db: &Path) -> Result<Self, StoreError> {
        let open_error = |error: io::Error| StoreError::Open { path: db.to_owned(), reason: error.to_string() };
        // Held during all of this: no other thread of this process may open the same log meanwhile.
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        check_before(db, &held)?;
        let log = open_private(db).map_err(open_error)?;
        let metadata = log.metadata().map_err(open_error)?;
        if metadata.nlink() > 1 {
            return Err(StoreError::Linked { path: db.to_owned(), names: metadata.nlink() });
        }
        let path = std::fs::canonicalize(db).map_err(open_error)?;
        let note = open_private(&beside(&path, ".lock")).map_err(open_error)?;
        for file in [&log, &note] {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(locked(db, &note)),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    tracing::warn!(path = %db.display(), "this file system has no locks: keep other hubs away from the log");
                }
                Err(TryLockError::Error(error)) => return Err(open_error(error)),
            }
        }
        let id = FileId::of(&metadata);
        held.insert(id);
        let lock = Self { path, log, note, id };
        if let Err(error) = lock.write_process() {
            // The hub should be able to read its log even if the disk is full.
            tracing::warn!(%error, "the lock's process number could not be written");
        }
        Ok(lock)
    }

    pub(super) fn metadata(&self) -> io::Result<std::fs::Metadata> {
        self.log.metadata()
    }

    /// Removes all other users' rights to the log and to SQLite's files beside it.
    pub(super) fn make_private(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let path = beside(&self.path, suffix);
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            let mode = metadata.permissions().mode() & 0o777;
            if mode == PRIVATE {
                continue;
            }
            match std::fs::set_permissions(&path, Permissions::from_mode(PRIVATE)) {
                Ok(()) => tracing::info!("{} was open to others (mode {mode:o}); now it is 600", path.display()),
                Err(error) => tracing::warn!(%error, "{} is open to others (mode {mode:o})", path.display()),
            }
        }
    }

    /// The epoch and head that were noted last, by this hub or a former run.
    pub(super) fn noted(&self) -> Option<(String, Seq)> {
        let mut bytes = [0; 64];
        let read = self.note.read_at(&mut bytes, MARK_AT).ok()?;
        let text = std::str::from_utf8(&bytes[..read]).ok()?;
        let mut words = text.lines().next()?.split_whitespace();
        let (epoch, head) = (words.next()?, words.next()?.parse().ok()?);
        Some((epoch.to_owned(), Seq::new(head)?))
    }

    /// Notes the log's epoch and head. Not synced: they are compared after a restore, not after a power failure.
    pub(super) fn note(&self, epoch: &str, head: Seq) -> io::Result<()> {
        self.note.write_all_at(format!("{epoch} {:020}\n", head.get()).as_bytes(), MARK_AT)
    }

    fn write_process(&self) -> io::Result<()> {
        let width = usize::try_from(MARK_AT).unwrap_or_default() - 1;
        self.note.write_all_at(format!("{:<width$}\n", std::process::id()).as_bytes(), 0)
    }
}

/// The checks that don't open the file.
fn check_before(db: &Path, held: &HashSet<FileId>) -> Result<(), StoreError> {
    let Ok(metadata) = std::fs::metadata(db) else { return Ok(()) };
    if !metadata.is_file() {
        return Err(StoreError::Open { path: db.to_owned(), reason: "it is not a regular file".to_owned() });
    }
    if held.contains(&FileId::of(&metadata)) {
        return Err(StoreError::Locked { path: db.to_owned(), holder: format!(" (process {})", std::process::id()) });
    }
    Ok(())
}

/// Opens a file. A new one is readable only by its owner, whatever the umask.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(PRIVATE);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(PRIVATE))?;
            Ok(file)
        }
        // The file exists, or is a symbolic link whose target does not exist yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.create(true).open(path),
        Err(error) => Err(error),
    }
}

fn locked(db: &Path, mut note: &File) -> StoreError {
    let mut text = String::new();
    // The process number is optional in the error text.
    let _ = note.read_to_string(&mut text);
    let holder = match text.lines().next().map(str::trim) {
        Some(pid) if !pid.is_empty() => format!(" (process {pid})"),
        _ => String::new(),
    };
    StoreError::Locked { path: db.to_owned(), holder }
}
