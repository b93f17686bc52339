//! The hub's settings, from flags and environment variables.
//!
//! [`Config`] has values that are each well formed. [`Config::check`] refuses combinations that don't work and returns
//! [`Checked`], from which the hub starts. [`variables`] lists the variables of each setting.

mod parse;
mod rules;
pub mod variables;

use std::net::{IpAddr, ToSocketAddrs};
use std::ops::Deref;
use std::path::PathBuf;

pub(crate) use orochi_protocol::Secret;
pub use parse::{LogFormat, port as parse_port};
pub(crate) use rules::{ChannelRule, channel_for};

const HOST: &str = "127.0.0.1";
const PORT: u16 = 9559;
const DASHBOARD_PORT: u16 = 8559;
const LOG: &str = "info";
const GITEA_URL: &str = "http://localhost:3000";

/// All settings of the hub.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Address to bind; one that other machines can reach needs a token
    #[arg(long, value_name = "ADDRESS", default_value = HOST)]
    pub host: String,
    /// Port for agents; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = PORT, value_parser = parse::port)]
    pub port: u16,
    /// Port of the dashboard and its API; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = DASHBOARD_PORT, value_parser = parse::port)]
    pub dashboard_port: u16,
    /// Shared secret that every client must show; as a flag it is visible in the process list, so use the variable
    #[arg(long, default_value = "", hide_default_value = true)]
    pub token: Secret,
    /// The log's file [default: /data/orochi.db, or the user's data folder where /data can't be written]
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Bind a reachable address without a token: 1, true or yes in the variable
    #[arg(long, value_parser = parse::switch)]
    pub allow_anonymous: bool,
    /// Web origins that may call the hub besides its own, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse::origin)]
    pub allowed_origins: Vec<String>,
    /// Host names that requests may use besides localhost, separated by commas [default: see docs/configuration.md]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse::host_name)]
    pub allowed_hosts: Vec<String>,
    /// File that is written once both ports accept connections, as JSON with their addresses
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Log filter: error, warn, info, debug, trace, or a filter such as warn,orochi_hub=debug
    #[arg(long, value_name = "FILTER", default_value = LOG)]
    pub log: String,
    /// Log format: text, json, or auto (text in a terminal, else json)
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = parse::log_format)]
    pub log_format: LogFormat,
    /// Gitea's address
    #[arg(long, value_name = "URL", default_value = GITEA_URL, value_parser = parse::http_url)]
    pub gitea_url: String,
    /// Gitea's API token; visible in the process list, as above
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    pub gitea_token: Secret,
    /// Gitea users for agents' calls, such as alice=alice-gitea; the token must be an administrator's
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse::gitea_user)]
    pub gitea_users: Vec<(String, String)>,
    /// The hub's name, for the dashboard's header and the browser's tab
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub hub_name: String,
    /// Address at which people reach the dashboard, for links to messages
    #[arg(long, value_name = "URL", value_parser = parse::http_url)]
    pub public_url: Option<String>,
    /// Secret that Gitea signs its webhooks with; without one, webhooks are refused; visible in the process list, as
    /// above
    #[arg(long, value_name = "SECRET", default_value = "", hide_default_value = true)]
    pub gitea_webhook_secret: Secret,
    /// Channels for repositories' events, such as lab/api=#api,lab/*=#lab; the first match counts, else #gitea
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = ChannelRule::parse)]
    pub gitea_channels: Vec<ChannelRule>,
    /// Largest accepted webhook in bytes, such as 8388608 or 8M
    #[arg(long, value_name = "BYTES", default_value = "1M", value_parser = parse::bytes)]
    pub gitea_webhook_bytes: usize,
    /// Query Gitea for events that were missed while the hub was down: 1 or 0 in the variable
    #[arg(long, value_name = "SWITCH", default_value = "1", value_parser = parse::switch, action = clap::ArgAction::Set)]
    pub gitea_catch_up: bool,
}

impl Default for Config {
    /// The settings of `orochi serve` without flags and variables.
    fn default() -> Self {
        Self {
            host: HOST.into(),
            port: PORT,
            dashboard_port: DASHBOARD_PORT,
            token: Secret::default(),
            db: None,
            allow_anonymous: false,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            ready_file: None,
            log: LOG.into(),
            log_format: LogFormat::Auto,
            gitea_url: GITEA_URL.into(),
            gitea_token: Secret::default(),
            gitea_users: Vec::new(),
            hub_name: String::new(),
            public_url: None,
            gitea_webhook_secret: Secret::default(),
            gitea_channels: Vec::new(),
            gitea_webhook_bytes: 1024 * 1024,
            gitea_catch_up: true,
        }
    }
}

impl Config {
    /// Checks that the settings work together (section 2). Resolves the host name, so it may wait for a name server.
    ///
    /// # Errors
    /// The first problem, as a sentence with the remedy.
    pub fn check(self) -> Result<Checked, ConfigError> {
        if self.token.has_blank() {
            return Err(ConfigError::Token);
        }
        if self.gitea_token.has_blank() {
            return Err(ConfigError::GiteaToken);
        }
        if self.gitea_webhook_secret.has_blank() {
            return Err(ConfigError::GiteaWebhookSecret);
        }
        let addresses = self.addresses()?;
        let checked = Checked { config: self, addresses };
        if !checked.is_loopback() && checked.token.is_empty() && !checked.allow_anonymous {
            return Err(ConfigError::Anonymous { host: checked.config.host });
        }
        Ok(checked)
    }

    /// The addresses of `host`, at least one, in the order to try them.
    ///
    /// # Errors
    /// [`ConfigError::Host`] if it is neither an IP address nor a known name.
    fn addresses(&self) -> Result<Vec<IpAddr>, ConfigError> {
        let bare = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        if let Ok(address) = bare.parse() {
            return Ok(vec![address]);
        }
        let unknown = |reason: String| ConfigError::Host { host: self.host.clone(), reason };
        let found = (bare, 0).to_socket_addrs().map_err(|error| unknown(error.to_string()))?;
        let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        if addresses.is_empty() {
            return Err(unknown("it has no address".to_owned()));
        }
        Ok(addresses)
    }
}

/// Checked settings with the resolved addresses of the host. The name is resolved once, so the hub binds the addresses
/// that were checked.
#[derive(Debug, Clone)]
pub struct Checked {
    config: Config,
    addresses: Vec<IpAddr>,
}

impl Checked {
    /// The addresses to bind, at least one, in the order to try them.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Returns whether only programs on this machine can connect.
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(IpAddr::is_loopback)
    }
}

impl Deref for Checked {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

/// Settings that a hub can't start with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A reachable address without a token, and no confirmation that this is intended.
    #[error(
        "{host} can be reached by other machines and OROCHI_TOKEN is not set; set OROCHI_TOKEN to a secret, \
         or OROCHI_ALLOW_ANONYMOUS=1 if everyone who can reach this address may use the hub"
    )]
    Anonymous { host: String },
    /// A host that can't be bound.
    #[error(
        "OROCHI_HOST is {host:?}, which is neither an IP address nor a known host name ({reason}); \
         use 127.0.0.1 for this machine only, or 0.0.0.0 for all its addresses"
    )]
    Host {
        host: String,
        /// The resolver's error.
        reason: String,
    },
    /// A token with characters that a header or an address can't carry.
    #[error(
        "OROCHI_TOKEN holds a space, a line end or a control character; use letters, digits, '-', '_', '.' and '~'"
    )]
    Token,
    /// A Gitea token with such characters.
    #[error("GITEA_TOKEN holds a space, a line end or a control character; copy it again from Gitea's settings")]
    GiteaToken,
    /// A webhook secret with such characters.
    #[error(
        "OROCHI_GITEA_WEBHOOK_SECRET holds a space, a line end or a control character; use letters and digits, \
         the same in Gitea"
    )]
    GiteaWebhookSecret,
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    fn parse(args: &[&str]) -> Config {
        let matches = Config::augment_args(clap::Command::new("orochi").no_binary_name(true)).get_matches_from(args);
        Config::from_arg_matches(&matches).unwrap()
    }

    fn on(host: &str) -> Config {
        Config { host: host.into(), ..Config::default() }
    }

    #[test]
    fn no_flags_give_the_default() {
        assert_eq!(format!("{:?}", parse(&[])), format!("{:?}", Config::default()));
    }

    #[test]
    fn flags_are_read_and_lists_split() {
        let config = parse(&[
            "--host=0.0.0.0",
            "--port=0",
            "--token=t",
            "--db=log.db",
            "--allow-anonymous",
            "--allowed-origins=https://A.lab,http://b.lab:8080",
            "--allowed-hosts=hub.lab,hub.lab:9559",
            "--log-format=json",
            "--gitea-url=https://git.lab/",
            "--gitea-channels=lab/api=#api,lab/*=#lab",
        ]);
        assert_eq!((config.host.as_str(), config.port, config.token.expose()), ("0.0.0.0", 0, "t"));
        assert_eq!((config.db.unwrap(), config.allow_anonymous), (PathBuf::from("log.db"), true));
        assert_eq!(config.allowed_origins, ["https://a.lab", "http://b.lab:8080"]);
        assert_eq!(config.allowed_hosts, ["hub.lab", "hub.lab:9559"]);
        assert_eq!(channel_for(&config.gitea_channels, "lab/web").as_str(), "#lab");
        assert_eq!((config.log_format, config.gitea_url.as_str()), (LogFormat::Json, "https://git.lab"));
    }

    #[test]
    fn a_reachable_address_needs_a_token_or_a_word() {
        for host in ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"] {
            assert!(on(host).check().is_ok_and(|checked| checked.is_loopback()), "{host}");
        }
        for host in ["0.0.0.0", "::", "[::]", "192.0.2.1"] {
            assert_eq!(on(host).check().unwrap_err(), ConfigError::Anonymous { host: host.into() });
            assert!(Config { token: "t".into(), ..on(host) }.check().is_ok_and(|checked| !checked.is_loopback()));
            assert!(Config { allow_anonymous: true, ..on(host) }.check().is_ok());
        }
        let told = on("0.0.0.0").check().unwrap_err().to_string();
        assert!(told.contains("OROCHI_TOKEN") && told.contains("OROCHI_ALLOW_ANONYMOUS=1"), "{told}");
    }

    #[test]
    fn a_host_that_is_no_address_is_refused_with_the_way_out() {
        for host in ["", "not a host", "http://localhost", "127.0.0.1:9559"] {
            let error = on(host).check().unwrap_err();
            assert!(matches!(error, ConfigError::Host { .. }), "{host:?}: {error}");
            assert!(error.to_string().contains(&format!("{host:?}")), "{error}");
        }
    }

    #[test]
    fn a_token_that_cannot_travel_is_refused_and_not_shown() {
        let error = Config { token: "se cret\n".into(), ..Config::default() }.check().unwrap_err();
        assert_eq!(error, ConfigError::Token);
        assert!(!error.to_string().contains("cret"));
        let gitea = Config { gitea_token: "a\n".into(), ..Config::default() };
        assert_eq!(gitea.check().unwrap_err(), ConfigError::GiteaToken);
        let webhook = Config { gitea_webhook_secret: "a b".into(), ..Config::default() };
        assert_eq!(webhook.check().unwrap_err(), ConfigError::GiteaWebhookSecret);
    }

    #[test]
    fn printing_a_config_shows_no_token() {
        let config = Config {
            token: "hunter2".into(),
            gitea_token: "hunter3".into(),
            gitea_webhook_secret: "hunter4".into(),
            ..Config::default()
        };
        assert!(!format!("{config:?}").contains("hunter"));
    }
}
