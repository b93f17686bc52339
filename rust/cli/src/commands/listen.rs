//! `orochi listen`: messages on stdout as they come.

use clap::Args;

use super::{Identity, target};
use crate::agent::Agent;
use crate::args::Connection;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Args)]
pub struct Listen {
    /// Channel to listen on
    #[arg(long, default_value = "#general")]
    channel: String,
    /// Print each message as one line of JSON
    #[arg(long)]
    json: bool,
}

impl Listen {
    pub async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let name = Identity::new(connection)?.name;
        let channel = target(&self.channel)?.to_string();
        let mut agent = Agent::connect(connection, &name, vec![channel]).await?;
        eprintln!("Listening on {} (Ctrl+C to stop)...", self.channel);
        loop {
            let message = agent.next().await?;
            if self.json {
                output::json_line(&message)?;
            } else {
                output::line(&format!(
                    "[{}] [{}] {}: {}",
                    message.ts, message.channel, message.sender, message.content
                ))?;
            }
        }
    }
}
