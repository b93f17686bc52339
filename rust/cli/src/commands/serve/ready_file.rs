//! `--ready-file`: a file that exists, complete, while the hub answers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use orochi_hub::Ready;
use serde_json::json;

use crate::failure::Failure;

/// The file. It is removed when dropped, and before the start, so that an old file misleads nobody.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
    draft: PathBuf,
}

impl ReadyFile {
    /// Checks, before the hub starts, that the file can be written.
    ///
    /// # Errors
    /// Fails if the folder can't be written.
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

    /// Writes the file in one step, so a reader always sees all of it.
    ///
    /// # Errors
    /// The error as a sentence.
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
        // Either file may not exist.
        let _ = fs::remove_file(&self.draft);
        let _ = fs::remove_file(&self.path);
    }
}
