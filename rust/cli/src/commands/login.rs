//! `orochi login`: stay online under a name.

use clap::Args;

use super::{Identity, channel};
use crate::agent::Agent;
use crate::args::Connection;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Args)]
pub struct Login {
    /// Channels to be in, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "#general")]
    channels: Vec<String>,
}

impl Login {
    pub async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let name = Identity::new(connection)?.name;
        let channels: Vec<String> = self
            .channels
            .iter()
            .map(|text| channel(text.trim()).map(|channel| channel.to_string()))
            .collect::<Result<_, _>>()?;
        let mut agent = Agent::connect(connection, &name, channels.clone()).await?;
        output::line(&format!("Logged in as {name}"))?;
        output::line(&format!("Channels: {}", channels.join(", ")))?;
        output::line("Listening for messages... (Ctrl+C to quit)")?;
        loop {
            let message = agent.next().await?;
            output::line(&format!("[{}] {}: {}", message.channel, message.sender, message.content))?;
        }
    }
}
