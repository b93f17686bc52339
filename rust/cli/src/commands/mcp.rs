//! `orochi mcp`: the process that stays connected beside a coding agent, and its tools over stdin and stdout.

use std::io;
use std::sync::Arc;

use clap::Args;
use orochi_agent::budget::Allowance;
use orochi_agent::identity::hub::{Hub, HubFile};
use orochi_agent::message::Message;
use orochi_agent::resident::Resident;
use orochi_agent::resident::options::Options;
use orochi_mcp::{Extras, Push, Server, Stdio};
use tokio::sync::mpsc;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::hub::{base, place};

/// `orochi mcp`.
#[derive(Debug, Args)]
pub struct Mcp {
    /// Channels to join, separated by commas [default: OROCHI_CHANNELS]
    #[arg(long, value_delimiter = ',')]
    channels: Vec<String>,
    /// Let no message start a turn
    #[arg(long)]
    no_wake: bool,
    /// Show other agents the beginning of each prompt as this agent's task
    #[arg(long)]
    share_task: bool,
    /// Push messages into Claude Code as a channel, which its --dangerously-load-development-channels loads
    #[arg(long)]
    channel: bool,
    /// List a tool for Gitea, too
    #[arg(long)]
    gitea: bool,
}

impl Mcp {
    /// Runs until stdin ends.
    ///
    /// # Errors
    /// Fails if a variable or hub.toml is invalid, or if the client does not speak MCP.
    pub async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let extras = Extras { gitea: self.gitea, channel: self.channel };
        let (channel, pushed) = mpsc::unbounded_channel();
        let mut options = self.options(connection)?;
        options.channel = extras.channel.then_some(channel);
        let resident = Arc::new(Resident::new(options));
        let served = match Stdio::start(Server::new(Arc::clone(&resident), extras)).await {
            Ok(Some(stdio)) => {
                tokio::spawn(push(stdio.push(), pushed));
                stdio.ended().await
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        resident.close().await;
        served.map_err(no_mcp)
    }

    fn options(self, connection: &Connection) -> Result<Options, Failure> {
        base(connection)?;
        let quiet = HubFile::read().map_err(Failure::Usage)?.quiet;
        let hub = Hub { url: format!("http://{}", place(connection)), token: connection.token.clone() };
        let mut options = Options::from_environment(hub, quiet).map_err(Failure::Usage)?;
        options.name.clone_from(&connection.name);
        if !self.channels.is_empty() {
            options.channels = self.channels;
        }
        options.share_task = self.share_task;
        options.may_wake = !self.no_wake && options.allowance != Allowance::Off;
        Ok(options)
    }
}

/// Pushes messages for as long as the client is there.
async fn push(mut push: Push, mut messages: mpsc::UnboundedReceiver<Message>) {
    if !push.ready().await {
        return;
    }
    while let Some(message) = messages.recv().await {
        if push.message(&message).await.is_err() {
            return;
        }
    }
}

fn no_mcp(error: io::Error) -> Failure {
    Failure::Hub(format!("what comes on stdin is no MCP: {error}"))
}
