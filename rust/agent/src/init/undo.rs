//! What `init` wrote, so that it can be undone: a file that nobody changed since gets its old text back, and goes
//! where init made it; in any other only our entries go.

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
    /// Its text before; None where init made it.
    before: Option<String>,
    /// What init wrote.
    after: String,
}

impl Journal {
    fn path() -> Option<PathBuf> {
        dirs::state().map(|folder| folder.join("init.json"))
    }

    /// Reads it; one that is not there, or damaged, is empty: then only our entries are taken out.
    pub fn read() -> Self {
        Self::path()
            .and_then(|path| fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Keeps it, for this user alone: it has the clients' files in it.
    ///
    /// # Errors
    /// The system's.
    pub fn save(&self) -> io::Result<()> {
        let path = Self::path().ok_or_else(|| io::Error::other("HOME is not set"))?;
        if let Some(folder) = path.parent() {
            dirs::make_private(folder)?;
        }
        files::write(&path, &serde_json::to_vec_pretty(self)?, 0o600)
    }

    /// Notes a change that init is about to make. What a file was before the first of several stays noted.
    pub fn note(&mut self, file: &FileEdit, change: &Change) {
        let Some(after) = change.after.clone() else { return };
        let key = change.path.clone();
        let known = self.files.get(&key).filter(|written| Some(&written.after) == change.before.as_ref());
        let before = match known {
            Some(written) => written.before.clone(),
            // Entries of ours that were there before are not what an undo should bring back.
            None => change.before.as_ref().map(|text| match file.removed(text) {
                Ok(Some(without)) => without,
                Ok(None) | Err(_) => text.clone(),
            }),
        };
        self.files.insert(key, Written { before, after });
    }

    /// What undoing changes in a file; None where nothing of ours is in it.
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

    /// Forgets a file that was undone, and its backup.
    pub fn forget(&mut self, change: &Change) {
        self.files.remove(&change.path);
        if let Ok(target) = files::resolve(&change.path) {
            // One that is gone already is as good.
            let _ = fs::remove_file(backup(&target));
        }
    }
}
