//! `--ready-file`: a file that is there, whole, from when the hub answers until it stops.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use orochi_hub::server::Ready;
use serde_json::json;

use crate::failure::Failure;

/// The file; removed when dropped, and before the start, so that an old one deceives nobody.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
    draft: PathBuf,
}

impl ReadyFile {
    /// Makes sure, before the hub starts, that the file can be written.
    ///
    /// # Errors
    /// A folder that does not take it.
    pub fn prepare(path: &Path) -> Result<Self, Failure> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        let file = Self { path: path.to_owned(), draft: draft.into() };
        file.try_out().map_err(|error| {
            Failure::Hub(format!(
                "cannot write the ready file {}: {error}; name another with --ready-file",
                path.display()
            ))
        })?;
        Ok(file)
    }

    fn try_out(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::write(&self.draft, ""),
        }
    }

    /// Writes it in one step: who sees the file sees all of it.
    ///
    /// # Errors
    /// As a sentence.
    pub fn write(&self, ready: &Ready) -> Result<(), String> {
        let text = json!({
            "agent_url": ready.agent_url,
            "dashboard_url": ready.dashboard_url,
            "db": ready.db,
            "token_required": ready.token_required,
            "pid": std::process::id(),
        });
        fs::write(&self.draft, format!("{text}\n"))
            .and_then(|()| fs::rename(&self.draft, &self.path))
            .map_err(|error| format!("cannot write the ready file {}: {error}", self.path.display()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Either may never have come to be.
        let _ = fs::remove_file(&self.draft);
        let _ = fs::remove_file(&self.path);
    }
}
