//! Finds the hub and its token: first in variables, then in `~/.config/orochi/hub.toml`, else on this machine.

use std::io;
use std::path::{Path, PathBuf};

use orochi_protocol::Secret;
use toml_edit::{DocumentMut, value};

use crate::budget::Quiet;
use crate::{dirs, files};

/// The dashboard port of a hub on this machine. It serves every program.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8559";

/// A hub's address and token.
#[derive(Debug, Clone)]
pub struct Hub {
    /// `http://host:port`, without a final slash.
    pub url: String,
    /// Empty if the hub needs none.
    pub token: Secret,
}

/// The contents of `hub.toml`.
#[derive(Debug, Default, Clone)]
pub struct HubFile {
    pub url: Option<String>,
    pub token: Option<Secret>,
    /// The hours in which nothing wakes an agent.
    pub quiet: Option<Quiet>,
}

impl HubFile {
    /// The file's path; None without a home folder.
    pub fn path() -> Option<PathBuf> {
        dirs::config().map(|folder| folder.join("hub.toml"))
    }

    /// Reads the file. A missing file counts as empty.
    ///
    /// # Errors
    /// A sentence with the file and its error.
    pub fn read() -> Result<Self, String> {
        let Some(path) = Self::path() else { return Ok(Self::default()) };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|reason| format!("{}: {reason}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
        let field = |name: &str| match document.get(name) {
            None => Ok(None),
            Some(item) => match item.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(format!("{name} is not a text; write it in quotes")),
            },
        };
        let quiet = field("quiet")?.map(|text| Quiet::parse(&text)).transpose()?;
        Ok(Self { url: field("url")?, token: field("token")?.map(Secret::from), quiet })
    }

    /// The file's text with this address and token; everything else stays. An empty token removes the entry.
    ///
    /// # Errors
    /// Fails if the present text is not TOML.
    pub fn edited(present: &str, url: &str, token: Option<&Secret>) -> Result<String, String> {
        let mut document: DocumentMut =
            present.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
        document["url"] = value(url);
        match token {
            Some(token) if token.is_empty() => _ = document.remove("token"),
            Some(token) => document["token"] = value(token.expose()),
            None => {}
        }
        Ok(document.to_string())
    }
}

/// Finds the hub: `OROCHI_URL` and `OROCHI_TOKEN`, or `OROCHI_HOST` with `OROCHI_DASHBOARD_PORT`, then hub.toml.
///
/// # Errors
/// Fails if hub.toml can't be read, or an address is invalid.
pub fn find() -> Result<Hub, String> {
    let file = HubFile::read()?;
    from(variable, &file)
}

fn from(variable: impl Fn(&str) -> Option<String>, file: &HubFile) -> Result<Hub, String> {
    let own = |name: &str| variable(&format!("SCITEX_OROCHI_{name}")).or_else(|| variable(&format!("OROCHI_{name}")));
    let of_host = || {
        let (host, port) = (own("HOST"), own("DASHBOARD_PORT"));
        (host.is_some() || port.is_some()).then(|| {
            let host = host.filter(|host| host != "0.0.0.0").unwrap_or_else(|| "127.0.0.1".to_owned());
            let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
            format!("http://{host}:{}", port.as_deref().unwrap_or("8559"))
        })
    };
    let url = own("URL").or_else(of_host).or_else(|| file.url.clone()).unwrap_or_else(|| DEFAULT_URL.to_owned());
    let token = own("TOKEN").map(Secret::from).or_else(|| file.token.clone()).unwrap_or_default();
    Ok(Hub { url: address(&url)?, token })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Normalises an address to `http://host:port`.
///
/// # Errors
/// A sentence with the value and what is allowed.
pub fn address(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is not a hub's address: write it as http://host:8559");
    let text = text.trim().trim_end_matches('/');
    let text = text.strip_prefix("ws://").map_or_else(|| text.to_owned(), |rest| format!("http://{rest}"));
    if text.starts_with("https://") || text.starts_with("wss://") {
        return Err(format!("{text:?}: TLS is not supported; put a TLS proxy beside the agent and use http://"));
    }
    let rest = text.strip_prefix("http://").ok_or_else(wrong)?;
    let (place, _) = rest.split_once('/').unwrap_or((rest, ""));
    let is_place = !place.is_empty() && !place.contains(['@', '?', '#']) && !place.chars().any(char::is_whitespace);
    if !is_place {
        return Err(wrong());
    }
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port { format!("http://{place}") } else { format!("http://{place}:80") })
}

impl Hub {
    /// `host:port`.
    pub fn place(&self) -> &str {
        self.url.strip_prefix("http://").unwrap_or(&self.url)
    }

    /// The WebSocket address for agents.
    pub fn agent_url(&self) -> String {
        format!("ws://{}/agent", self.place())
    }

    /// Returns whether the hub is on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.place().rsplit_once(':').map_or(self.place(), |(host, _)| host);
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Writes hub.toml, readable only by this user.
///
/// # Errors
/// The system's error.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    files::write(path, text.as_bytes(), 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)], file: &str) -> String {
        let lookup = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let hub = from(lookup, &HubFile::parse(file).unwrap()).unwrap();
        format!("{} {}", hub.url, hub.token.expose())
    }

    #[test]
    fn hub_is_found_in_variables_before_the_file() {
        let file = "url = \"http://lab:8559/\"\ntoken = \"f\"\n";
        assert_eq!(found(&[], ""), "http://127.0.0.1:8559 ");
        assert_eq!(found(&[], file), "http://lab:8559 f");
        assert_eq!(found(&[("OROCHI_HOST", "h"), ("OROCHI_TOKEN", "t")], file), "http://h:8559 t");
        let both = [("OROCHI_HOST", "h"), ("OROCHI_URL", "http://u:1")];
        assert_eq!(found(&both, file), "http://u:1 f", "OROCHI_URL wins over host and port");
    }

    #[test]
    fn hub_addresses_that_are_none_are_refused_with_the_form() {
        for wrong in ["lab:8559", "http://", "http://a b", "https://lab", "http://user@lab"] {
            assert!(address(wrong).is_err_and(|told| told.contains("http://")), "{wrong}");
        }
        assert_eq!(address("ws://h:9559/agent").as_deref(), Ok("http://h:9559"));
    }

    #[test]
    fn hub_file_keeps_what_else_is_in_it() {
        let present = "# mine\nquiet = \"22:00-07:00\"\ntoken = \"old\"\n";
        let text = HubFile::edited(present, "http://h:1", Some(&"new".into())).unwrap();
        assert!(text.contains("# mine") && text.contains("quiet") && text.contains("\"new\"") && !text.contains("old"));
        assert!(HubFile::parse("quiet = 7").is_err_and(|told| told.contains("quotes")));
    }

    #[test]
    fn hub_is_local_by_address() {
        for (url, local) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost:1", true),
            ("http://lab:1", false),
        ] {
            assert_eq!(Hub { url: url.to_owned(), token: Secret::default() }.is_local(), local, "{url}");
        }
    }
}
