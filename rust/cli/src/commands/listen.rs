//! `orochi listen`: messages on stdout as they come.

use clap::Args;

use super::{Channels, Identity};
use crate::agent::Agent;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::{output, stderr};

#[derive(Debug, Args)]
pub struct Listen {
    /// Which channels, quoted ('#general') or without their #; #general where none is named
    #[arg(value_name = "CHANNEL")]
    places: Vec<String>,
    /// The same as a flag
    #[arg(long = "channel", value_name = "CHANNEL", conflicts_with = "places", hide = true)]
    channel: Option<String>,
    /// Print each message as one line of JSON
    #[arg(long)]
    json: bool,
}

impl Listen {
    pub async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let name = Identity::listener(connection)?.name;
        let channels = Channels::parse(self.places.iter().chain(&self.channel))?;
        let agent = Agent::connect(connection, &name, channels.names()).await?;
        stderr::say(&format!("Listening on {channels} as {name} (Ctrl+C to stop)...\n"));
        loop {
            let message = agent.next().await?;
            if self.json { output::json_line(&message)? } else { output::line(&message.line())? }
        }
    }
}
