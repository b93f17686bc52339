//! `orochi history`: shows the messages of a channel, or between two agents.

use clap::Args;
use serde_json::Value;

use super::rows::{in_channel, parse_seq};
use super::{Identity, target};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::{output, text};

#[derive(Debug, Args)]
pub struct History {
    /// A channel, quoted ('#builds') or without its #, or @agent for your conversation with that agent
    channel: String,
    /// The largest number of messages, 1 to 1000; the newest are shown
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    filter: Filter,
    /// Only messages before this number
    #[arg(long, value_name = "SEQ", value_parser = parse_seq)]
    before: Option<u64>,
    /// Only messages after this number
    #[arg(long, value_name = "SEQ", value_parser = parse_seq)]
    after: Option<u64>,
    /// Only messages with these words
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Print the newest message first, as scitex-orochi 0.1.0 did
    #[arg(long)]
    newest_first: bool,
    /// Print the rows as JSON, in the same order
    #[arg(long)]
    json: bool,
}

/// The filter options of `history` and `search`.
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
    /// The options as query parameters of the API.
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
            // A conversation has two agents. This one is the user's.
            ("agent", target.starts_with('@').then(|| identity.name.to_string())),
        ];
        query.extend(given.into_iter().filter_map(|(key, value)| Some((key, value?))));
        let mut rows: Vec<Value> = hub.get(&["api", "history", &target], &query).await?;
        if !self.newest_first {
            rows.reverse();
        }
        if self.json {
            return output::json(&rows);
        }
        if rows.is_empty() {
            return output::line(&text::inline(&format!("No history for {}.", self.channel)));
        }
        rows.iter().try_for_each(|row| output::line(&in_channel(row)))
    }
}
