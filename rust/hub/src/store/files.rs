//! Identifies the log's files. A file that is removed, moved or replaced under a running hub would still accept writes,
//! but no later start would find them. So each write first checks that the paths still name the open files.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::StoreError;

/// The log, and the two files that SQLite keeps beside it while it is open.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The identity of a file, independent of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// The files of an open log.
#[derive(Debug, Clone)]
pub struct LogFiles {
    path: PathBuf,
    open: Vec<(PathBuf, FileId)>,
}

impl LogFiles {
    /// Remembers the files of the open log at `given`.
    pub(super) fn of_open(given: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Open { path: given.to_owned(), reason: error.to_string() };
        let path = std::fs::canonicalize(given).map_err(failed)?;
        let mut open = Vec::with_capacity(SUFFIXES.len() + 1);
        // Check the given path too: it may be a symbolic link that is changed to another file.
        open.push((given.to_owned(), FileId::of(&std::fs::metadata(given).map_err(failed)?)));
        for suffix in SUFFIXES {
            let file = beside(&path, suffix);
            match std::fs::metadata(&file) {
                Ok(metadata) => open.push((file, FileId::of(&metadata))),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Self { path, open })
    }

    /// Checks that the paths still name the open files.
    ///
    /// # Errors
    /// [`StoreError::Moved`] with the path that does not.
    pub fn check(&self) -> Result<(), StoreError> {
        for (file, id) in &self.open {
            match std::fs::metadata(file) {
                Ok(metadata) if FileId::of(&metadata) == *id => {}
                // An unreadable folder shows nothing about the file. The write itself will reveal a problem.
                Err(error) if error.kind() != io::ErrorKind::NotFound => {}
                Ok(_) | Err(_) => return Err(StoreError::Moved { path: file.clone() }),
            }
        }
        Ok(())
    }

    /// The length of the write-ahead log; 0 if it does not exist.
    pub fn wal_bytes(&self) -> u64 {
        std::fs::metadata(beside(&self.path, "-wal")).map_or(0, |metadata| metadata.len())
    }
}

/// The path of a file beside the log.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
