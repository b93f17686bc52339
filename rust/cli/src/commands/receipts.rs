//! `orochi receipts`: shows how far a message got.

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::Identity;
use super::rows::parse_seq;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::{output, text};

#[derive(Debug, Args)]
pub struct Receipts {
    /// The message's number, as `send`, `listen` and `history` print it: 42 or '#42'
    #[arg(value_parser = parse_seq)]
    seq: u64,
    /// Print the hub's answer
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Answer {
    agents: BTreeMap<String, String>,
}

impl Receipts {
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        // Only the two agents of a conversation may see its receipts.
        let query: Vec<_> = identity.chosen.then(|| ("agent", identity.name.to_string())).into_iter().collect();
        let seq = self.seq.to_string();
        let path = ["api", "messages", &seq, "receipts"];
        if self.json {
            return output::json(&hub.get::<Value>(&path, &query).await?);
        }
        let answer: Answer = hub.get(&path, &query).await?;
        if answer.agents.is_empty() {
            return output::line(&format!("Message #{seq} is for nobody."));
        }
        answer.agents.iter().try_for_each(|(name, state)| output::line(&text::inline(&format!("  {name}  {state}"))))
    }
}
