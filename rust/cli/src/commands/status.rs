//! `orochi status`: lists the online agents, or reports the user's own status.

use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Identity;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;
use crate::text;

#[derive(Debug, Args)]
pub struct Status {
    /// Report your own status instead: idle, busy, blocked, error, or a word of your own
    #[arg(long, value_name = "STATUS", conflicts_with = "json")]
    set: Option<String>,
    /// With --set: your task, one line
    #[arg(long, requires = "set")]
    task: Option<String>,
    /// With --set: its progress, from 0 to 1, or none
    #[arg(long, requires = "set", value_parser = parse_progress)]
    progress: Option<Progress>,
    /// Print {"agents": {name: its row}, "stats": the hub's figures}
    #[arg(long)]
    json: bool,
}

/// The progress of a task; None to show none.
#[derive(Debug, Clone, Copy)]
struct Progress(Option<f64>);

fn parse_progress(text: &str) -> Result<Progress, String> {
    if text == "none" {
        return Ok(Progress(None));
    }
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.map(|number| Progress(Some(number))).ok_or_else(|| "expected a number from 0 to 1, or none".to_owned())
}

/// The fields of an agent's row that commands read; a hub may send more.
#[derive(Debug, Deserialize)]
pub struct AgentRow {
    pub name: String,
    pub channels: Vec<String>,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub current_task: String,
    /// The agent's reach; a 0.1.0 hub sends none.
    #[serde(default)]
    pub reach: String,
}

/// Returns the online agents.
///
/// # Errors
/// As [`Hub::get`].
pub async fn online(hub: &Hub) -> Result<Vec<AgentRow>, Failure> {
    hub.get(&["api", "agents"], &[]).await
}

impl Status {
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        if let Some(status) = &self.set {
            return self.tell(hub, identity, status).await;
        }
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

impl Status {
    async fn tell(&self, hub: &Hub, identity: &Identity, status: &str) -> Result<(), Failure> {
        let mut body = json!({"status": status});
        if let Some(task) = &self.task {
            body["current_task"] = task.as_str().into();
        }
        if let Some(Progress(progress)) = self.progress {
            body["progress"] = progress.into();
        }
        let name = identity.name.as_str();
        hub.post_once::<Value>(&["api", "agents", name, "status"], &body).await?;
        let task =
            self.task.as_ref().filter(|task| !task.is_empty()).map(|task| format!(": {task}")).unwrap_or_default();
        let share = self.progress.and_then(|progress| progress.0).map(|share| format!(", {:.0} %", share * 100.0));
        output::line(&text::inline(&format!("{name} is {status}{task}{}", share.unwrap_or_default())))
    }
}

fn named(row: Map<String, Value>) -> Option<(String, Value)> {
    let name = row.get("name")?.as_str()?.to_owned();
    Some((name, Value::Object(row)))
}
