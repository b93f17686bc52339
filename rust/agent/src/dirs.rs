//! The places of an agent's files and sockets. XDG's variables apply, so that tests and users can move them.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A Unix socket's path has at most 108 bytes on Linux and 104 on macOS, with its end.
const SOCKET_PATH_MAX: usize = 100;

/// The user's home; None if the environment has none.
pub fn home() -> Option<PathBuf> {
    variable("HOME")
}

/// `~/.config/orochi`, or under `$XDG_CONFIG_HOME`.
pub fn config() -> Option<PathBuf> {
    Some(variable("XDG_CONFIG_HOME").or_else(|| Some(home()?.join(".config")))?.join("orochi"))
}

/// `~/.local/state/orochi`, or under `$XDG_STATE_HOME`.
pub fn state() -> Option<PathBuf> {
    Some(variable("XDG_STATE_HOME").or_else(|| Some(home()?.join(".local/state")))?.join("orochi"))
}

/// The folder of the residents' sockets; it may not exist yet.
pub fn runtime() -> PathBuf {
    match variable("XDG_RUNTIME_DIR") {
        Some(own) => own.join("orochi"),
        None => {
            let user = rustix::process::getuid().as_raw();
            variable("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp")).join(format!("orochi-{user}"))
        }
    }
}

/// Creates the folder of the residents' sockets, for this user only.
///
/// # Errors
/// Fails if the folder can't be created, or belongs to another user.
pub fn make_runtime() -> io::Result<PathBuf> {
    let folder = runtime();
    make_private(&folder)?;
    if !is_own(&folder) {
        return Err(io::Error::other(format!("{} is not this user's own folder; remove it", folder.display())));
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

/// True if a path is this user's folder and no symbolic link. In a shared `/tmp` another user may have created it
/// first.
pub fn is_own(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == rustix::process::getuid().as_raw())
}

/// Creates a folder and its parents, for this user only.
///
/// # Errors
/// The system's.
pub fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The socket of the resident whose client is this process.
///
/// # Errors
/// Fails if the path is too long for a socket.
pub fn socket(folder: &Path, client_pid: u32) -> io::Result<PathBuf> {
    let path = folder.join(format!("{client_pid}.sock"));
    if path.as_os_str().len() > SOCKET_PATH_MAX {
        let reason =
            format!("{} is too long for a socket's path; set XDG_RUNTIME_DIR to a shorter one", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    Ok(path)
}

fn variable(name: &str) -> Option<PathBuf> {
    // XDG requires relative paths to be ignored.
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
