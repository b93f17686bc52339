//! `orochi manual`: writes the manual pages, for packages that install them.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;

/// `orochi manual`.
#[derive(Debug, Args)]
pub struct Manual {
    /// The target folder; it is created if missing
    folder: PathBuf,
}

impl Manual {
    /// Writes `orochi.1` and a page for each command.
    ///
    /// # Errors
    /// Fails if the folder can't be written.
    pub fn run(&self, command: clap::Command) -> Result<(), Failure> {
        let folder = self.folder.display();
        fs::create_dir_all(&self.folder)
            .and_then(|()| clap_mangen::generate_to(command, &self.folder))
            .map_err(|error| Failure::Hub(format!("cannot write the manual to {folder}: {error}; name another folder")))
    }
}
