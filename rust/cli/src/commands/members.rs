//! `orochi members`: lists the members of one channel, or of all.

use clap::Args;

use super::channel;
use super::status::online;
use super::who::channels_by_name;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;
use crate::text::inline;

#[derive(Debug, Args)]
pub struct Members {
    /// Only the members of this channel, quoted ('#builds') or without its #
    #[arg(value_name = "CHANNEL")]
    place: Option<String>,
    /// The same as a flag
    #[arg(long, value_name = "CHANNEL", conflicts_with = "place", hide = true)]
    channel: Option<String>,
    /// Print a list of names, or without a channel {name: [channel, …]}
    #[arg(long)]
    json: bool,
}

impl Members {
    pub async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let wanted = self.place.or(self.channel).as_deref().map(channel).transpose()?;
        let agents = online(hub).await?;
        let Some(wanted) = wanted else {
            if self.json {
                return output::json(&channels_by_name(&agents));
            }
            return agents.iter().try_for_each(|agent| {
                output::line(&inline(&format!("{}: {}", agent.name, agent.channels.join(", "))))
            });
        };
        let is_in = |channels: &[String]| channels.iter().any(|channel| channel == wanted.as_str());
        let names: Vec<&str> =
            agents.iter().filter(|agent| is_in(&agent.channels)).map(|agent| agent.name.as_str()).collect();
        if self.json {
            return output::json(&names);
        }
        names.into_iter().try_for_each(|name| output::line(&inline(name)))
    }
}
