//! `orochi history`: what was said in a channel, or between two agents.

use clap::Args;
use serde_json::Value;

use super::{Identity, target};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

#[derive(Debug, Args)]
pub struct History {
    /// Which channel, or @agent for your conversation with that agent
    channel: String,
    /// At most this many messages, 1 to 1000
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    filter: Filter,
    /// Only messages before this seq
    #[arg(long, value_name = "SEQ")]
    before: Option<u64>,
    /// Only messages after this seq
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// Only messages with these words
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Print the rows as JSON
    #[arg(long)]
    json: bool,
}

/// Which messages; of `history` and `search`.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only messages from this time on: 2026-01-15 or 2026-01-15T10:30:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only messages up to this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this agent's messages
    #[arg(long, value_name = "NAME")]
    sender: Option<String>,
}

impl Filter {
    /// As the API's query.
    pub fn query(self, limit: u32) -> Vec<(&'static str, String)> {
        let mut query = vec![("limit", limit.to_string())];
        let given = [("since", self.since), ("until", self.until), ("sender", self.sender)];
        query.extend(given.into_iter().filter_map(|(key, value)| Some((key, value?))));
        query
    }
}

impl History {
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        let target = target(&self.channel)?.to_string();
        let mut query = self.filter.query(self.limit);
        let given = [
            ("before", self.before.map(|seq| seq.to_string())),
            ("after", self.after.map(|seq| seq.to_string())),
            ("search", self.search),
            // A conversation has two sides: this one is the asker's.
            ("agent", target.starts_with('@').then(|| identity.name.to_string())),
        ];
        query.extend(given.into_iter().filter_map(|(key, value)| Some((key, value?))));
        let rows: Vec<Value> = hub.get(&["api", "history", &target], &query).await?;
        if self.json {
            return output::json(&rows);
        }
        if rows.is_empty() {
            return output::line(&format!("No history for {}.", self.channel));
        }
        rows.iter().try_for_each(|row| {
            output::line(&format!("[{}] {}: {}", text(row, "ts"), text(row, "sender"), text(row, "content")))
        })
    }
}

/// A row's text, or `?` where the hub has none.
pub fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or("?")
}
