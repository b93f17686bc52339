//! Stores the hub's address and token in hub.toml, readable only by this user.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use orochi_agent::dirs;
use orochi_agent::identity::hub::{self, HubFile};
use orochi_protocol::Secret;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::output;

/// Writes the given settings to hub.toml. Settings that were not given stay.
pub(super) fn write(connection: &Connection, token_file: Option<&Path>) -> Result<(), Failure> {
    let path = HubFile::path().ok_or_else(|| Failure::Hub("HOME is not set".to_owned()))?;
    let present = fs::read_to_string(&path).unwrap_or_default();
    let token = match token_file {
        Some(file) => Some(read_token(file)?),
        None => Some(connection.token.clone()).filter(|token| !token.is_empty()),
    };
    let url = connection.url.clone().or_else(|| {
        let is_default = connection.host == "127.0.0.1" && connection.port == 9559;
        let host = &connection.host;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        (!is_default).then(|| format!("http://{host}:{}", connection.port))
    });
    if !present.is_empty() && url.is_none() && token.is_none() {
        return Ok(());
    }
    let url = url.unwrap_or_else(|| hub::DEFAULT_URL.to_owned());
    let text = HubFile::edited(&present, &url, token.as_ref())
        .map_err(|reason| Failure::Hub(format!("{}: {reason}; nothing was changed", path.display())))?;
    if text == present {
        return Ok(());
    }
    let folder = path.parent().map(ToOwned::to_owned).unwrap_or_default();
    dirs::make_private(&folder)
        .and_then(|()| close(&path))
        .and_then(|()| hub::write(&path, &text))
        .map_err(|error| Failure::Hub(format!("cannot write {}: {error}", path.display())))?;
    output::line(&format!("{} names the hub {url} (readable by you alone).", path.display()))
}

/// Makes a file private before it holds a token.
fn close(path: &Path) -> io::Result<()> {
    if path.exists() { fs::set_permissions(path, fs::Permissions::from_mode(0o600)) } else { Ok(()) }
}

fn read_token(file: &Path) -> Result<Secret, Failure> {
    let read = if file.as_os_str() == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(file) };
    let token = read.map_err(|error| Failure::Usage(format!("cannot read {}: {error}", file.display())))?;
    let token = Secret::from(token.trim());
    if token.is_empty() || token.has_blank() {
        return Err(Failure::Usage(format!("{} has no token on one line", file.display())));
    }
    Ok(token)
}
