//! `orochi send`: one message, over HTTP, so that no agent of the same name notices.

use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Identity, target};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

#[derive(Debug, Args)]
pub struct Send {
    /// Where to: #channel, or @agent for that agent alone
    channel: String,
    /// What to say; @name in it reaches that agent
    #[arg(allow_hyphen_values = true)]
    message: String,
    /// The seq of the message that this one answers
    #[arg(long)]
    reply_to: Option<u64>,
    /// Print the hub's answer: seq, id, ts and where each addressed agent is
    #[arg(long)]
    json: bool,
}

impl Send {
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        let mut body = json!({
            "channel": target(&self.channel)?,
            "content": self.message,
            "sender": identity.name,
            "id": Uuid::now_v7().to_string(),
        });
        if let Some(seq) = self.reply_to {
            body["reply_to"] = seq.into();
        }
        let answer: Value = hub.post_once(&["api", "messages"], &body).await?;
        if self.json {
            return output::json(&answer);
        }
        output::line(&format!("Sent to {}: {}", self.channel, self.message))
    }
}
