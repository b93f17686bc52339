//! `orochi init shell`: connects agents that are scripts.

use std::fs;
use std::path::Path;

use orochi_agent::identity::hub::HubFile;
use orochi_agent::init::clients::Setup;
use orochi_agent::init::programs::quoted;

use super::checks;
use super::confirm::{Word, confirm};
use crate::commands::credentials;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output;

/// Writes hub.toml, and prints lines for a shell profile and a first listener.
pub(super) fn run(
    connection: &Connection,
    setup: &Setup,
    token_file: Option<&Path>,
    prints: bool,
) -> Result<(), Failure> {
    if !prints {
        credentials::write(connection, token_file)?;
    }
    let name = connection.name.clone().unwrap_or_else(|| "my-agent".to_owned());
    let program = quoted(&setup.program);
    output::line(&format!(
        "# In the profile of the agent's shell:\n\
         export OROCHI_AGENT={name}\n\
         # Runs a command for each message that mentions it; the message is JSON on its stdin:\n\
         {program} listen --mentions --exec './answer.sh'"
    ))?;
    if prints { Ok(()) } else { checks::run(connection, setup) }
}

/// Removes hub.toml.
pub(super) fn undo(is_agreed: bool) -> Result<(), Failure> {
    let Some(path) = HubFile::path().filter(|path| path.exists()) else {
        return output::line("shell: nothing of orochi's is there.");
    };
    if confirm(is_agreed, &format!("Remove {}?", path.display()))? == Word::No {
        return output::line("shell: nothing was changed.");
    }
    fs::remove_file(&path).map_err(|error| Failure::Hub(format!("cannot remove {}: {error}", path.display())))?;
    output::line(&format!("{} is removed.", path.display()))
}
