//! One hub a file: a lock beside it, held while the hub runs and released by the system however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

/// The lock of one log. Dropping it releases it.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Lock {
    /// Takes the lock beside `db`.
    pub(super) fn take(db: &Path) -> Result<Self, StoreError> {
        let path = lock_path(db);
        let open_error = |error: std::io::Error| StoreError::Open { path: db.to_owned(), reason: error.to_string() };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(open_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The number is a help only; without it the sentence is shorter.
                let _ = file.read_to_string(&mut pid);
                let holder = if pid.trim().is_empty() { String::new() } else { format!(" (process {})", pid.trim()) };
                return Err(StoreError::Locked { path: db.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(open_error(error)),
        }
        let written = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        if let Err(error) = written {
            // A full disk must not keep the hub from reading what it has.
            tracing::warn!(%error, "the lock's process number could not be written");
        }
        Ok(Self(file))
    }
}

fn lock_path(db: &Path) -> PathBuf {
    let mut path = db.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}
