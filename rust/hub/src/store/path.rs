//! The log's path. The default is `/data/orochi.db`, or a file in the user's data folder.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

use super::StoreError;

const DEFAULT: &str = "/data/orochi.db";

/// The log's absolute path: `explicit` with `~` expanded, or the default. If the default can't be written, the path is
/// in the user's data folder, and the second value is a line that says so.
///
/// # Errors
/// Fails if `explicit` names no file, or if the folder can't be created.
pub fn resolve(explicit: Option<&Path>) -> Result<(PathBuf, Option<String>), StoreError> {
    let home = || BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    let explicit = explicit.map(|path| file_path(path, home)).transpose()?;
    resolve_with(explicit.as_deref(), Path::new(DEFAULT), || {
        ProjectDirs::from("", "", "orochi").map(|dirs| dirs.data_dir().join("orochi.db"))
    })
}

/// Checks a given path and makes it absolute. Variables and settings files reach the hub without a shell that expands
/// `~`, and SQLite interprets some names as something other than a file.
fn file_path(given: &Path, home: impl FnOnce() -> Option<PathBuf>) -> Result<PathBuf, StoreError> {
    let refused = |reason: &str| StoreError::Path { path: given.to_owned(), reason: reason.to_owned() };
    let text = given.to_string_lossy();
    if text.is_empty() {
        return Err(refused("it is empty"));
    }
    if text.starts_with(':') {
        return Err(refused("a log in memory would lose acknowledged messages"));
    }
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:")) {
        return Err(refused("file: addresses are not supported"));
    }
    let path = match given.strip_prefix("~") {
        Ok(rest) => home().ok_or_else(|| refused("this user has no home folder for ~"))?.join(rest),
        Err(_) if text.starts_with('~') => return Err(refused("only ~/ is expanded, not the home of another user")),
        Err(_) => given.to_owned(),
    };
    std::path::absolute(&path).map_err(|error| refused(&error.to_string()))
}

fn resolve_with(
    explicit: Option<&Path>,
    default: &Path,
    user: impl FnOnce() -> Option<PathBuf>,
) -> Result<(PathBuf, Option<String>), StoreError> {
    if let Some(path) = explicit {
        make_folder(path)?;
        return Ok((path.to_owned(), None));
    }
    if is_writable(default) {
        return Ok((default.to_owned(), None));
    }
    let Some(path) = user() else {
        let reason = "it can't be written, and this user has no home folder".to_owned();
        return Err(StoreError::Open { path: default.to_owned(), reason });
    };
    make_folder(&path)?;
    let note =
        format!("{} can't be written; the log is {} (name another with --db)", default.display(), path.display());
    Ok((path, Some(note)))
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    make_private(folder).map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })
}

/// Creates a folder and its parents. New folders are accessible only to their owner, whatever the umask.
fn make_private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_private(parent)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o700)),
        // Another process created it at the same moment.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Checks that the folder exists and a file can be created in it. The folder itself is not created: without settings,
/// the hub should add no folder to the root of the file system.
fn is_writable(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.is_dir() && tempfile_in(folder))
}

fn tempfile_in(folder: &Path) -> bool {
    let probe = folder.join(format!(".orochi-probe-{}", std::process::id()));
    let made = fs::OpenOptions::new().write(true).create_new(true).open(&probe).is_ok();
    if made {
        // A probe that can't be removed is empty and harmless.
        let _ = fs::remove_file(&probe);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_path_is_taken_and_its_folder_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/log.db");
        let (resolved, note) = resolve_with(Some(&path), Path::new(DEFAULT), || None).unwrap();
        assert_eq!((resolved, note), (path.clone(), None));
        assert!(path.parent().unwrap().is_dir());
    }

    #[test]
    fn db_path_is_made_absolute_and_the_home_folder_expanded() {
        let path = |given: &str| file_path(Path::new(given), || Some(PathBuf::from("/users/alice"))).unwrap();
        assert_eq!(path("~/logs/o.db"), Path::new("/users/alice/logs/o.db"));
        assert_eq!(path("/var/o.db"), Path::new("/var/o.db"));
        assert_eq!(path("o.db"), std::env::current_dir().unwrap().join("o.db"));
        assert_eq!(path("a~b/o.db"), std::env::current_dir().unwrap().join("a~b/o.db"));
    }

    #[test]
    fn db_path_that_names_no_file_is_refused_in_a_sentence() {
        for given in ["", ":memory:", "file:o.db?mode=memory", "FILE:///tmp/o.db", "~bob/o.db"] {
            let error = file_path(Path::new(given), || Some(PathBuf::from("/users/alice"))).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("{given:?}")) && text.contains("--db"), "{text}");
        }
        let error = file_path(Path::new("~/o.db"), || None).unwrap_err();
        assert!(error.to_string().contains("no home folder"), "{error}");
    }

    #[test]
    fn without_a_default_folder_the_users_is_used_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let user = folder.path().join("user/orochi.db");
        let default = folder.path().join("missing/orochi.db");
        let (resolved, note) = resolve_with(None, &default, || Some(user.clone())).unwrap();
        assert_eq!(resolved, user);
        assert!(note.unwrap().contains("can't be written"));
        assert!(!default.parent().unwrap().exists());
    }
}
