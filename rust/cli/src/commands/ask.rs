//! `orochi ask`: a question to one agent, and its answer.

use std::time::Duration;

use clap::Args;
use orochi_protocol::Target;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Identity, target};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::{output, stderr};

/// The pause between two queries. A person or a script waits for the answer.
const PAUSE: Duration = Duration::from_millis(200);

/// `orochi ask`.
#[derive(Debug, Args)]
pub struct Ask {
    /// The agent, as @name
    agent: String,
    /// The question
    #[arg(allow_hyphen_values = true)]
    question: String,
    /// Seconds to wait for the answer
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Print the answer's row
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Row {
    seq: u64,
    sender: String,
    content: String,
    #[serde(default)]
    reply_to: Option<u64>,
}

impl Ask {
    /// Sends the question and waits for the answer.
    ///
    /// # Errors
    /// Fails if the hub refuses or can't be reached, and with [`Failure::TimedOut`] if no answer came.
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        let agent = if self.agent.starts_with('@') { self.agent.clone() } else { format!("@{}", self.agent) };
        let Target::Direct(to) = target(&agent)? else {
            return Err(Failure::Usage(format!("{:?} is no agent: write @name", self.agent)));
        };
        let body = json!({
            "channel": agent,
            "content": self.question,
            "sender": identity.name,
            "id": Uuid::now_v7().to_string(),
            "metadata": {"intent": "request"},
        });
        let sent: Value = hub.post_once(&["api", "messages"], &body).await?;
        let asked = sent.get("seq").and_then(Value::as_u64).unwrap_or_default();
        super::send::note_unknown(&sent);
        let deadline = Instant::now() + Duration::from_secs(self.timeout);
        match self.answer(hub, identity, to.as_str(), asked, deadline).await? {
            Some(row) if self.json => output::json(&row),
            Some(row) => output::line(&crate::text::message(row["content"].as_str().unwrap_or_default())),
            None => {
                let name = &identity.name;
                Err(Failure::TimedOut(format!(
                    "no answer from {agent} to #{asked} within {} s; it will wait: orochi --name {name} inbox",
                    self.timeout
                )))
            }
        }
    }

    async fn answer(
        &self,
        hub: &Hub,
        identity: &Identity,
        agent: &str,
        asked: u64,
        deadline: Instant,
    ) -> Result<Option<Value>, Failure> {
        let own = identity.name.as_str();
        let conversation = format!("@{agent}");
        stderr::say(&format!("Asked {conversation} (#{asked}); waiting for its answer...\n"));
        while Instant::now() < deadline {
            let query = [
                ("agent", own.to_owned()),
                ("after", asked.to_string()),
                ("order", "asc".to_owned()),
                ("sender", agent.to_owned()),
                ("limit", "50".to_owned()),
            ];
            let rows: Vec<Value> = hub.get(&["api", "history", &conversation], &query).await?;
            let answer = rows.into_iter().find(|row| {
                Row::deserialize(row).is_ok_and(|row| {
                    row.seq > asked
                        && row.sender == agent
                        && row.reply_to.is_none_or(|to| to == asked)
                        && !row.content.is_empty()
                })
            });
            if answer.is_some() {
                return Ok(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(None)
    }
}
