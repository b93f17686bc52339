//! `orochi search`: messages by their words, over all channels.

use clap::Args;
use serde_json::Value;

use super::history::{Filter, text};
use super::{Identity, target};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

#[derive(Debug, Args)]
pub struct Search {
    /// The words; all of them must be in a message
    text: String,
    /// Only in this channel, or in your conversation with @agent
    #[arg(long)]
    channel: Option<String>,
    /// At most this many messages, 1 to 1000
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    filter: Filter,
    /// Print the rows as JSON, each with its snippet
    #[arg(long)]
    json: bool,
}

impl Search {
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        let target = self.channel.as_deref().map(target).transpose()?.map(|target| target.to_string());
        let mut query = self.filter.query(self.limit);
        query.push(("q", self.text.clone()));
        // One's direct messages are found under a name that somebody chose, not under a machine's.
        if identity.chosen || target.as_ref().is_some_and(|target| target.starts_with('@')) {
            query.push(("agent", identity.name.to_string()));
        }
        query.extend(target.map(|target| ("channel", target)));
        let rows: Vec<Value> = hub.get(&["api", "search"], &query).await?;
        if self.json {
            return output::json(&rows);
        }
        if rows.is_empty() {
            return output::line(&format!("Nothing found for {}.", self.text));
        }
        rows.iter().try_for_each(|row| {
            let found = row.get("snippet").and_then(Value::as_str).unwrap_or_else(|| text(row, "content"));
            // The hub marks each match; a line of text has no use for the marks.
            let found = found.replace(['\u{e000}', '\u{e001}'], "");
            output::line(&format!("[{}] [{}] {}: {found}", text(row, "ts"), text(row, "channel"), text(row, "sender")))
        })
    }
}
