//! `orochi who`: lists the online agents.

use std::collections::BTreeMap;

use clap::Args;

use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;
use crate::text;

use super::status::{AgentRow, online};

#[derive(Debug, Args)]
pub struct Who {
    /// Print {name: [channel, …]}
    #[arg(long)]
    json: bool,
}

impl Who {
    pub async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let agents = online(hub).await?;
        if self.json {
            return output::json(&channels_by_name(&agents));
        }
        if agents.is_empty() {
            return output::line("No agents connected.");
        }
        for agent in agents {
            let (name, status, channels) = (agent.name, agent.status, agent.channels.join(", "));
            let reach = if agent.reach.is_empty() { String::new() } else { format!("  reach={}", agent.reach) };
            output::line(&text::inline(&format!("  {name}  status={status}{reach}  channels=[{channels}]")))?;
        }
        Ok(())
    }
}

/// Agents as the protocol's `presence` shows them.
pub fn channels_by_name(agents: &[AgentRow]) -> BTreeMap<&str, &[String]> {
    agents.iter().map(|agent| (agent.name.as_str(), agent.channels.as_slice())).collect()
}
