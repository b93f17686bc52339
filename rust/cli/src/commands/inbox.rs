//! `orochi inbox`: lists the messages that wait for an agent.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Identity, rows};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

/// `orochi inbox`.
#[derive(Debug, Args)]
pub struct Inbox {
    /// At most this many, the oldest first
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=500))]
    limit: u64,
    /// Mark everything up to the last printed message as handled
    #[arg(long)]
    ack: bool,
    /// Print the hub's answer
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Answer {
    messages: Vec<Row>,
    #[serde(default)]
    more: Value,
}

#[derive(Deserialize)]
struct Row {
    seq: u64,
    #[serde(default)]
    ts: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    sender: String,
    #[serde(default)]
    content: String,
}

impl Inbox {
    /// Prints the waiting messages.
    ///
    /// # Errors
    /// Fails if the hub can't be reached or refuses.
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        let name = identity.name.as_str();
        let path = ["api", "agents", name, "inbox"];
        let whole: Value = hub.get(&path, &[("limit", self.limit.to_string())]).await?;
        let answer = Answer::deserialize(&whole)
            .map_err(|_| Failure::Hub("the hub's answer is no inbox: it is older than this program".to_owned()))?;
        if self.json {
            output::json(&whole)?;
        } else if answer.messages.is_empty() {
            output::line(&format!("Nothing waits for {name}."))?;
        } else {
            for Row { seq, ts, channel, sender, content } in &answer.messages {
                output::line(&rows::line(ts, Some(*seq), Some(channel), sender, content))?;
            }
            if answer.more.as_bool() == Some(true) || answer.more.as_u64().is_some_and(|more| more > 0) {
                output::line("More wait: say --ack to go on after these, or a higher --limit.")?;
            }
        }
        match answer.messages.last() {
            // After the last line is written: a message that was not printed is not handled.
            Some(last) if self.ack => {
                hub.post_once::<Value>(&["api", "agents", name, "seen"], &json!({"seq": last.seq})).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }
}
