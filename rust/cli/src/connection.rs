//! The options that all commands share: the hub and the agent's name.

use clap::Args;
use orochi_hub::parse_port;
use orochi_protocol::Secret;

/// The hub's address and token, and the agent's name.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which hub, and as whom")]
pub struct Connection {
    /// The hub's address, http://host:8559, in place of host and port [default: as in ~/.config/orochi/hub.toml]
    #[arg(long, global = true, value_parser = orochi_agent::identity::hub::address)]
    pub url: Option<String>,
    /// The hub's host
    #[arg(long, global = true, default_value = "127.0.0.1")]
    pub host: String,
    /// The hub's port for agents
    #[arg(long, global = true, default_value = "9559", value_parser = parse_port)]
    pub port: u16,
    /// The hub's token; as a flag it is visible in the process list, so use the variable
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    pub token: Secret,
    /// Your agent name [default: this machine's name]
    #[arg(long, global = true)]
    pub name: Option<String>,
}
