//! `orochi listen`: messages on stdout as they come.

use clap::Args;

use super::{Identity, channel};
use crate::agent::{Agent, Message};
use crate::args::Connection;
use crate::failure::Failure;
use crate::output;
use crate::stderr;

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
        let channel = channel(&self.channel)?;
        let agent = Agent::connect(connection, &name, vec![channel]).await?;
        stderr::say(&format!("Listening on {} (Ctrl+C to stop)...\n", self.channel));
        loop {
            let message = agent.next().await?;
            if self.json {
                output::json_line(&message)?;
                continue;
            }
            let Message { ts, sender, payload, .. } = message;
            output::line(&format!("[{ts}] [{}] {sender}: {}", payload.channel, payload.content))?;
        }
    }
}
