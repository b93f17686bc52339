//! `orochi login`: stay online under a name.

use clap::Args;
use orochi_protocol::ChannelName;

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
        let channels: Vec<ChannelName> =
            self.channels.iter().map(|text| channel(text.trim())).collect::<Result<_, _>>()?;
        let shown = channels.iter().map(ChannelName::as_str).collect::<Vec<_>>().join(", ");
        let agent = Agent::connect(connection, &name, channels).await?;
        output::line(&format!("Logged in as {name}"))?;
        output::line(&format!("Channels: {shown}"))?;
        output::line("Listening for messages... (Ctrl+C to quit)")?;
        loop {
            let message = agent.next().await?;
            let payload = &message.payload;
            output::line(&format!("[{}] {}: {}", payload.channel, message.sender, payload.content))?;
        }
    }
}
