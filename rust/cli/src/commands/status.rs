//! `orochi status`: what the hub and its agents are doing.

use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;
use crate::text;

#[derive(Debug, Args)]
pub struct Status {
    /// Print {"agents": {name: its row}, "stats": the hub's numbers}
    #[arg(long)]
    json: bool,
}

/// What commands read of an agent's row; a hub may say more.
#[derive(Debug, Deserialize)]
pub struct AgentRow {
    pub name: String,
    pub channels: Vec<String>,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub current_task: String,
}

/// The agents that are online.
///
/// # Errors
/// As [`Hub::get`].
pub async fn online(hub: &Hub) -> Result<Vec<AgentRow>, Failure> {
    hub.get(&["api", "agents"], &[]).await
}

impl Status {
    pub async fn run(self, hub: &Hub) -> Result<(), Failure> {
        if self.json {
            let rows: Vec<Map<String, Value>> = hub.get(&["api", "agents"], &[]).await?;
            let stats: Value = hub.get(&["api", "stats"], &[]).await?;
            let agents: Map<String, Value> = rows.into_iter().filter_map(named).collect();
            return output::json(&json!({"agents": agents, "stats": stats}));
        }
        let agents = online(hub).await?;
        output::line(&format!("Connected agents: {}", agents.len()))?;
        for AgentRow { name, status, current_task, .. } in agents {
            let task = if current_task.is_empty() { String::new() } else { format!("  task: {current_task}") };
            output::line(&text::inline(&format!("  {name}  [{status}]{task}")))?;
        }
        Ok(())
    }
}

fn named(row: Map<String, Value>) -> Option<(String, Value)> {
    let name = row.get("name")?.as_str()?.to_owned();
    Some((name, Value::Object(row)))
}
