//! `orochi join`: joins a channel while the command runs, which is only a moment.

use clap::Args;
use orochi_protocol::ChannelName;

use super::{Identity, channel};
use crate::agent::Agent;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output;
use crate::stderr;

#[derive(Debug, Args)]
pub struct Join {
    /// The channel, quoted ('#builds') or without its #
    channel: String,
}

impl Join {
    pub async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let name = Identity::new(connection)?.name;
        let channel = channel(&self.channel)?;
        let agent = Agent::connect(connection, &name, vec![ChannelName::general()]).await?;
        agent.subscribe(&channel).await?;
        output::line(&format!("Joined {channel}"))?;
        agent.leave().await;
        stderr::say(&format!(
            "Membership lasts as long as a connection, and this one ends here; to stay: orochi login '{channel}'\n"
        ));
        Ok(())
    }
}
