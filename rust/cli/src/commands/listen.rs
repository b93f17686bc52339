//! `orochi listen`: messages on stdout as they come, or a command for each of them.

mod exec;

use clap::Args;
use orochi_agent::budget::Allowance;

use super::{Channels, Identity};
use crate::agent::Agent;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::{output, stderr};

#[derive(Debug, Args)]
pub struct Listen {
    /// The channels, quoted ('#general') or without their #; #general if none is named
    #[arg(value_name = "CHANNEL")]
    places: Vec<String>,
    /// The same as a flag
    #[arg(long = "channel", value_name = "CHANNEL", conflicts_with = "places", hide = true)]
    channel: Option<String>,
    /// Print only messages that mention you, in any channel, or that are written to you
    #[arg(long, conflicts_with_all = ["places", "channel"])]
    mentions: bool,
    /// Run this command with sh for each of them, from the last handled message on. The message is JSON on its standard
    /// input, its parts are OROCHI_SEQ, OROCHI_FROM, OROCHI_CHANNEL, OROCHI_INTENT and OROCHI_TEXT. A message is
    /// handled once its command exits with 0; one that fails four times is stored in ~/.local/state/orochi/failed
    #[arg(long, value_name = "COMMAND", requires = "mentions", conflicts_with = "json")]
    exec: Option<String>,
    /// Run the command for at most this many requests an hour; others wait
    #[arg(long, value_name = "N/h", requires = "exec", default_value = "30/h", value_parser = parse_budget)]
    budget: Allowance,
    /// Print each message as one line of JSON
    #[arg(long)]
    json: bool,
}

impl Listen {
    pub async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let name = Identity::listener(connection)?.name;
        if let Some(command) = self.exec {
            return exec::run(connection, &name, command, self.budget).await;
        }
        let channels =
            if self.mentions { None } else { Some(Channels::parse(self.places.iter().chain(&self.channel))?) };
        let places = channels.as_ref().map(Channels::names).unwrap_or_default();
        let agent = Agent::connect(connection, &name, places).await?;
        let what = channels.map_or_else(|| format!("for @{name}"), |channels| format!("on {channels}"));
        stderr::say(&format!("Listening {what} as {name} (Ctrl+C to stop)...\n"));
        loop {
            let message = agent.next().await?;
            if self.json { output::json_line(&message)? } else { output::line(&message.line())? }
        }
    }
}

fn parse_budget(text: &str) -> Result<Allowance, String> {
    match Allowance::parse(text)? {
        Allowance::Off | Allowance::PerHour(0) => {
            Err("no request would ever be run: write a number an hour as 30/h".to_owned())
        }
        allowance @ Allowance::PerHour(_) => Ok(allowance),
    }
}
