//! The log's files by their identity. A file that is removed, moved or replaced under a running hub goes on taking
//! writes that no later start will find, so each write first checks that the paths still name the files that are open.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::StoreError;

/// The log, and the two files that SQLite keeps beside it while it is open.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// Which file a path names, whatever it is called.
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
    /// Remembers the files of the log at `given`, which is open.
    pub(super) fn of_open(given: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Open { path: given.to_owned(), reason: error.to_string() };
        let path = std::fs::canonicalize(given).map_err(failed)?;
        let mut open = Vec::with_capacity(SUFFIXES.len() + 1);
        // A symbolic link that names another file by now is found too.
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

    /// Checks that the files are where they were.
    ///
    /// # Errors
    /// [`StoreError::Moved`] with the file that is not.
    pub fn check(&self) -> Result<(), StoreError> {
        for (file, id) in &self.open {
            match std::fs::metadata(file) {
                Ok(metadata) if FileId::of(&metadata) == *id => {}
                // A folder that can't be looked into says nothing about the file: the write itself will tell.
                Err(error) if error.kind() != io::ErrorKind::NotFound => {}
                Ok(_) | Err(_) => return Err(StoreError::Moved { path: file.clone() }),
            }
        }
        Ok(())
    }

    /// How long the write-ahead log is; 0 where it is not there.
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
