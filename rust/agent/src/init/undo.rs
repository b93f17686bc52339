//! A record of the files that `init` wrote, for an undo. A file that nobody changed since gets its old text back, or is
//! removed if `init` created it. In any other file, only our entries are removed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::change::{Change, backup, read};
use super::edit::FileEdit;
use crate::{dirs, files};

/// `~/.local/state/orochi/init.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Journal {
    #[serde(default)]
    files: BTreeMap<PathBuf, Written>,
}

/// One file that init wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    /// Its text before; None if init created it.
    before: Option<String>,
    /// The text that init wrote.
    after: String,
}

impl Journal {
    fn path() -> Option<PathBuf> {
        dirs::state().map(|folder| folder.join("init.json"))
    }

    /// Reads the journal. A missing or damaged one is empty: then only our entries are removed.
    pub fn read() -> Self {
        Self::path()
            .and_then(|path| fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Saves the journal, readable only by this user: it contains the clients' files.
    ///
    /// # Errors
    /// The system's error.
    pub fn save(&self) -> io::Result<()> {
        let path = Self::path().ok_or_else(|| io::Error::other("HOME is not set"))?;
        if let Some(folder) = path.parent() {
            dirs::make_private(folder)?;
        }
        files::write(&path, &serde_json::to_vec_pretty(self)?, 0o600)
    }

    /// Records a change that init is about to make. Of several changes to a file, the text before the first one stays
    /// recorded.
    pub fn note(&mut self, file: &FileEdit, change: &Change) {
        let Some(after) = change.after.clone() else { return };
        let key = change.path.clone();
        let known = self.files.get(&key).filter(|written| Some(&written.after) == change.before.as_ref());
        let before = match known {
            Some(written) => written.before.clone(),
            // An undo should not bring back older entries of ours.
            None => change.before.as_ref().map(|text| match file.removed(text) {
                Ok(Some(without)) => without,
                Ok(None) | Err(_) => text.clone(),
            }),
        };
        self.files.insert(key, Written { before, after });
    }

    /// The change that undoes init in a file; None if the file has no entries of ours.
    ///
    /// # Errors
    /// A sentence: the file can't be read, or not edited.
    pub fn undoing(&self, file: &FileEdit) -> Result<Option<Change>, String> {
        let Some(now) = read(&file.path)? else { return Ok(None) };
        let change = |after| Change { path: file.path.clone(), before: Some(now.clone()), after };
        if let Some(written) = self.files.get(&file.path).filter(|written| written.after == now) {
            return Ok(Some(change(written.before.clone())));
        }
        Ok(file.removed(&now)?.map(|without| change(Some(without))))
    }

    /// Forgets an undone file, and removes its saved old text.
    pub fn forget(&mut self, change: &Change) {
        self.files.remove(&change.path);
        if let Ok(target) = files::resolve(&change.path) {
            // An error means that it is gone already.
            let _ = fs::remove_file(backup(&target));
        }
    }
}
