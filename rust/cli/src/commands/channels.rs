//! `orochi channels`: lists the channels that have members or a history.

use std::collections::BTreeMap;

use clap::Args;

use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;
use crate::text;

#[derive(Debug, Args)]
pub struct Channels {
    /// Print a list of names
    #[arg(long)]
    json: bool,
}

impl Channels {
    pub async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let channels: BTreeMap<String, Vec<String>> = hub.get(&["api", "channels"], &[]).await?;
        if self.json {
            return output::json(&channels.keys().collect::<Vec<_>>());
        }
        if channels.is_empty() {
            return output::line("No active channels.");
        }
        channels.keys().try_for_each(|channel| output::line(&text::inline(channel)))
    }
}
