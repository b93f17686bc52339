//! Writes files completely or not at all, and locks them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// Replaces a file's contents atomically, through symbolic links, keeping its permissions; a new one gets `mode`.
///
/// # Errors
/// The system's error; then the file is unchanged.
pub fn write(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let target = resolve(path)?;
    let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mode = fs::metadata(&target).map_or(mode, |found| found.permissions().mode() & 0o7777);
    let beside = folder.join(format!(".{}.{}.tmp", name(&target), std::process::id()));
    let written = write_new(&beside, contents, mode).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        // A partial file is of no use.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(contents)?;
    // The umask may have reduced the mode at creation.
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// The file that a path leads to, through symbolic links; the last one need not exist.
///
/// # Errors
/// Fails if links form a circle.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..16 {
        match fs::read_link(&path) {
            Ok(next) if next.is_absolute() => path = next,
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other(format!("{} is a symbolic link that leads nowhere", path.display())))
}

/// With [`PAUSE`], half a second in all.
const TRIES_MAX: usize = 500;
const PAUSE: Duration = Duration::from_millis(1);

/// A lock, released when dropped.
#[derive(Debug)]
pub struct Lock {
    // Closing the file releases the lock.
    _file: File,
}

impl Lock {
    /// Waits for the lock on this file, which is created if missing.
    ///
    /// # Errors
    /// The system's error, or `TimedOut` if another process keeps the lock.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        // A holder needs less than a millisecond. A stopped holder must not stop all hooks, so the wait is bounded.
        for _ in 0..TRIES_MAX {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(rustix::io::Errno::WOULDBLOCK) => thread::sleep(PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("{} is held by another process", path.display())))
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
