//! Where the log is when nobody says: `/data/orochi.db`, else the user's data folder (DESIGN, The store).

use std::fs;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::StoreError;

const DEFAULT: &str = "/data/orochi.db";

/// The log's path: `explicit`, or the default with, where that can't be written, a line that says where instead.
///
/// # Errors
/// Where the folder can't be made.
pub fn resolve(explicit: Option<&Path>) -> Result<(PathBuf, Option<String>), StoreError> {
    resolve_with(explicit, Path::new(DEFAULT), || {
        ProjectDirs::from("", "", "orochi").map(|dirs| dirs.data_dir().join("orochi.db"))
    })
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
    fs::create_dir_all(folder).map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })
}

/// Whether the file could be made: its folder exists and takes a file. The folder is not made: a hub that was
/// told nothing leaves no new folder in the root of the file system.
fn is_writable(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.is_dir() && tempfile_in(folder))
}

fn tempfile_in(folder: &Path) -> bool {
    let probe = folder.join(format!(".orochi-probe-{}", std::process::id()));
    let made = fs::OpenOptions::new().write(true).create_new(true).open(&probe).is_ok();
    if made {
        // What can't be removed is empty and harmless.
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
