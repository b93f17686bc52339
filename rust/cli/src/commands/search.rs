//! `orochi search`: finds messages of all channels by their words.

use clap::Args;
use serde_json::Value;

use super::history::Filter;
use super::rows::found;
use super::{Identity, target};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::{output, text};

#[derive(Debug, Args)]
pub struct Search {
    /// The words; a message must have all of them
    text: String,
    /// Only in this channel, quoted ('#builds') or without its #, or in your conversation with @agent
    #[arg(value_name = "CHANNEL")]
    place: Option<String>,
    /// The same as a flag
    #[arg(long, value_name = "CHANNEL", conflicts_with = "place", hide = true)]
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
        let target = self.place.or(self.channel).as_deref().map(target).transpose()?.map(|target| target.to_string());
        let mut query = self.filter.query(self.limit);
        query.push(("q", self.text.clone()));
        // Search direct messages only under a chosen name: the machine's name is not the user's agent.
        if identity.chosen || target.as_ref().is_some_and(|target| target.starts_with('@')) {
            query.push(("agent", identity.name.to_string()));
        }
        query.extend(target.map(|target| ("channel", target)));
        let rows: Vec<Value> = hub.get(&["api", "search"], &query).await?;
        if self.json {
            return output::json(&rows);
        }
        if rows.is_empty() {
            return output::line(&text::inline(&format!("Nothing found for {}.", self.text)));
        }
        rows.iter().try_for_each(|row| output::line(&found(row)))
    }
}
