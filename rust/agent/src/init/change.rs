//! Changed files: shown, checked, and written together. If one of them can't be written, none is.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use similar::TextDiff;

use super::edit::FileEdit;
use crate::files;

/// One file, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// Its text; None if it does not exist.
    pub before: Option<String>,
    /// Its new text; None removes the file.
    pub after: Option<String>,
}

impl Change {
    /// The change that adds our entries; None if they are there.
    ///
    /// # Errors
    /// Fails with a sentence if the file can't be read or edited.
    pub fn adding(file: &FileEdit) -> Result<Option<Self>, String> {
        let before = read(&file.path)?;
        let after = file.added(before.as_deref())?;
        Ok(after.map(|after| Self { path: file.path.clone(), before, after: Some(after) }))
    }

    /// The difference, for a person.
    pub fn diff(&self) -> String {
        let (before, after) = (self.before.as_deref().unwrap_or(""), self.after.as_deref().unwrap_or(""));
        let path = self.path.display().to_string();
        let old = if self.before.is_some() { path.as_str() } else { "/dev/null" };
        let new = if self.after.is_some() { path.as_str() } else { "/dev/null" };
        TextDiff::from_lines(before, after).unified_diff().context_radius(2).header(old, new).to_string()
    }

    /// Checks that the file can be written.
    ///
    /// # Errors
    /// Fails with a sentence: the file and the reason.
    pub fn check(&self) -> Result<(), String> {
        let wrong = |reason: &str| format!("{} can't be written: {reason}; nothing was changed", self.path.display());
        let target = files::resolve(&self.path).map_err(|error| wrong(&error.to_string()))?;
        if let Ok(found) = fs::metadata(&target) {
            // Replacing it would work, but its owner made it read-only for a reason.
            if found.permissions().mode() & 0o200 == 0 {
                return Err(wrong("it is read-only"));
            }
            access(&target, Access::WRITE_OK).map_err(|error| wrong(&error.to_string()))?;
        }
        let folder = target.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(Path::new("/"));
        if !folder.is_dir() {
            return Err(wrong(&format!("{} is no folder", folder.display())));
        }
        access(folder, Access::WRITE_OK).map_err(|error| wrong(&format!("{}: {error}", folder.display())))
    }

    /// Saves the old file beside the new one, and writes the new one.
    ///
    /// # Errors
    /// Fails with a sentence that has the system's reason.
    pub fn apply(&self) -> Result<(), String> {
        let wrong = |error: io::Error| format!("{} can't be written: {error}", self.path.display());
        let target = files::resolve(&self.path).map_err(wrong)?;
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(wrong)?;
        }
        if let Some(before) = &self.before {
            let mode = fs::metadata(&target).map_or(0o600, |found| found.permissions().mode() & 0o7777);
            files::write(&backup(&target), before.as_bytes(), mode).map_err(wrong)?;
        }
        match &self.after {
            Some(after) => files::write(&target, after.as_bytes(), 0o644).map_err(wrong),
            None => fs::remove_file(&target).map_err(wrong),
        }
    }
}

/// The path of a file's saved old text.
pub fn backup(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".before-orochi");
    path.with_file_name(name)
}

/// Reads a file's text; None if it does not exist.
///
/// # Errors
/// Fails with a sentence that has the system's reason.
pub fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(format!("{} is not UTF-8; nothing was changed", path.display())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} can't be read: {error}; nothing was changed", path.display())),
    }
}
