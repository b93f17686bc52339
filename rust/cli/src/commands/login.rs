//! `orochi login`: stay online under a name.

use clap::Args;

use serde_json::Value;

use super::{Channels, Identity, credentials};
use crate::agent::Agent;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::{output, stderr};

#[derive(Debug, Args)]
pub struct Login {
    /// Channels to join, quoted ('#general') or without their #; #general if none is named
    #[arg(value_name = "CHANNEL")]
    places: Vec<String>,
    /// The same as a flag, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "places", hide = true)]
    channels: Vec<String>,
    /// Store the hub's address and token in ~/.config/orochi/hub.toml, for all commands and coding agents, and end
    #[arg(long)]
    save: bool,
}

impl Login {
    pub async fn run(self, hub: &Hub, connection: &Connection) -> Result<(), Failure> {
        if self.save {
            // A refused token is not worth storing.
            hub.get::<Value>(&["api", "stats"], &[]).await?;
            return credentials::write(connection, None);
        }
        let Identity { name, chosen } = Identity::new(connection)?;
        let channels = Channels::parse(self.places.iter().chain(&self.channels))?;
        let agent = Agent::connect(connection, &name, channels.names()).await?;
        output::line(&format!("Logged in as {name}"))?;
        output::line(&format!("Channels: {channels}"))?;
        output::line("Listening for messages... (Ctrl+C to quit)")?;
        if !chosen {
            stderr::say(
                "Other commands on this machine have the same name unless --name gives them one, \
                 and no name hears its own messages.\n",
            );
        }
        loop {
            output::line(&agent.next().await?.line())?;
        }
    }
}
