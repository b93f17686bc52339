//! A registered agent for the commands that stay connected, and messages in the form that commands print.

use std::time::Duration;

use orochi_client::{Client, Error, Options};
use orochi_protocol::incoming::ServerFrame;
use orochi_protocol::request::{Register, Resume, StatusUpdate};
use orochi_protocol::{AgentName, ChannelName, Reach, Seq};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commands::rows;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::hub::{connection_failed, place, token_refused};

/// A connection to the hub under a name. It reconnects on its own, and no message is missed.
#[derive(Debug)]
pub struct Agent {
    client: Client,
    place: String,
}

/// A message, with the field names of a history row.
#[derive(Debug, Serialize)]
pub struct Message {
    /// The message's seq; absent from a 0.1.0 hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// The sender's id for the message.
    pub msg_id: String,
    /// The time of acceptance.
    pub ts: String,
    pub sender: String,
    /// The sender's part.
    #[serde(flatten)]
    pub payload: Payload,
}

/// The part of a message that the sender wrote.
#[derive(Debug, Serialize, Deserialize)]
pub struct Payload {
    /// The channel, or `@name` for a direct message.
    #[serde(default)]
    pub channel: String,
    #[serde(default)]
    pub content: String,
    /// The mentioned names.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// The sender's own object.
    #[serde(default)]
    pub metadata: Value,
    /// The seq of the message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
}

impl Message {
    /// The message as a line of text.
    pub fn line(&self) -> String {
        let Payload { channel, content, .. } = &self.payload;
        rows::line(&self.ts, self.seq.map(Seq::get), Some(channel), &self.sender, content)
    }
}

impl Agent {
    /// Connects and registers.
    ///
    /// # Errors
    /// Fails if the hub can't be reached or refuses.
    pub async fn connect(
        connection: &Connection,
        name: &AgentName,
        channels: Vec<ChannelName>,
    ) -> Result<Self, Failure> {
        let register = Register { channels: Some(channels), ..Register::default() };
        // Nobody has handled a message that scrolled by in a terminal, and the cursor belongs to the real agent.
        Self::open(connection, name, register, false).await
    }

    /// Connects and registers as an agent that handles the messages written to it, from its stored cursor on.
    ///
    /// # Errors
    /// Fails if the hub can't be reached, refuses, or is a 0.1.0 hub, which stores nothing for an agent.
    pub async fn connect_for_work(connection: &Connection, name: &AgentName) -> Result<Self, Failure> {
        let register = Register {
            channels: Some(Vec::new()),
            resume: Some(Resume::Stored),
            reach: Some(Reach::Wake),
            ..Register::default()
        };
        let agent = Self::open(connection, name, register, true).await?;
        if agent.client.is_old_hub() {
            let place = &agent.place;
            return Err(Failure::Hub(format!("the hub at {place} is a scitex-orochi 0.1.0, which has no receipts")));
        }
        Ok(agent)
    }

    async fn open(
        connection: &Connection,
        name: &AgentName,
        register: Register,
        say_seen: bool,
    ) -> Result<Self, Failure> {
        let place = place(connection);
        // At `/agent`, both of the hub's ports accept agents.
        let mut options = Options::new(format!("ws://{place}/agent"), name.as_str());
        options.token = connection.token.clone();
        options.register = register;
        options.register.identity.machine = gethostname::gethostname().to_string_lossy().chars().take(64).collect();
        options.say_seen = say_seen;
        options.connect_timeout = Duration::from_secs(5);
        match Client::connect(options).await {
            Ok(client) => Ok(Self { client, place }),
            Err(Error::AuthFailed { .. }) => Err(token_refused(&place, &connection.token)),
            Err(error) => Err(failure(error, &place)),
        }
    }

    /// Returns the next message. Skips events, and frames that are newer than this program.
    ///
    /// # Errors
    /// Fails if the connection ended for good.
    pub async fn next(&self) -> Result<Message, Failure> {
        while let Some(incoming) = self.client.inbox().recv().await {
            if let Some(message) = message(&incoming.text) {
                return Ok(message);
            }
        }
        Err(match self.client.inbox().end() {
            Some(error) => failure(error, &self.place),
            None => Failure::Hub(format!("the Orochi hub at {} closed the connection", self.place)),
        })
    }

    /// Reports everything up to `seq` as handled, soon.
    pub fn finished(&self, seq: u64) {
        self.client.finished(Seq::new(seq).unwrap_or(Seq::MAX));
    }

    /// Reports whether requests wait for budget. If the hub is away, it gets the report when it is back.
    pub fn set_held(&self, is_held: bool) {
        let (reach, task) = if is_held { (Reach::Turn, "wake budget spent") } else { (Reach::Wake, "") };
        let update = StatusUpdate { current_task: Some(task.to_owned()), ..StatusUpdate::default() };
        let client = self.client.clone();
        tokio::spawn(async move {
            // An error means that the connection has ended for good, which the listener notices itself.
            let _ = client.set_reach(reach).await;
            let _ = client.status(&update).await;
        });
    }

    /// Joins another channel.
    ///
    /// # Errors
    /// Fails if the hub refuses or is gone.
    pub async fn subscribe(&self, channel: &ChannelName) -> Result<(), Failure> {
        self.client.subscribe(channel.as_str()).await.map_err(|error| failure(error, &self.place))
    }

    /// Closes the connection.
    pub async fn leave(self) {
        self.client.close().await;
    }
}

fn message(text: &str) -> Option<Message> {
    let frame: ServerFrame<'_> =
        serde_json::from_str(text).ok().filter(|frame: &ServerFrame<'_>| frame.r#type == "message")?;
    let payload = serde_json::from_str(frame.payload?.get()).ok()?;
    let (msg_id, ts, sender) = (frame.id.into_owned(), frame.ts.into_owned(), frame.sender.into_owned());
    Some(Message { seq: frame.seq, msg_id, ts, sender, payload })
}

fn failure(error: Error, place: &str) -> Failure {
    match error {
        Error::Unreachable { reason, .. } => connection_failed(place, &reason),
        Error::ConnectionLost { reason, .. } => {
            Failure::Hub(format!("the connection to the Orochi hub at {place} was lost: {reason}"))
        }
        Error::Refused { code, detail, .. } => Failure::Hub(format!("the hub refused: {detail} ({code})")),
        Error::Invalid(refusal) => Failure::Usage(refusal.detail),
        // These errors already have sentences of their own.
        error @ (Error::AuthFailed { .. } | Error::Closed | Error::OldHub { .. }) => Failure::Hub(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_prints_with_the_names_of_a_history_row() {
        let frame = r##"{"type":"message","sender":"alice","id":"i","ts":"t","seq":3,
            "payload":{"channel":"#general","content":"hi","metadata":{},"mentions":[],"reply_to":1,"x":2}}"##;
        assert_eq!(
            serde_json::to_string(&message(frame).unwrap()).unwrap(),
            r##"{"seq":3,"msg_id":"i","ts":"t","sender":"alice","channel":"#general","content":"hi","mentions":[],"metadata":{},"reply_to":1}"##
        );
    }

    #[test]
    fn what_is_no_message_is_passed_over() {
        for frame in [r#"{"type":"presence_change","payload":{}}"#, r#"{"type":"message"}"#, "[]", "x"] {
            assert!(message(frame).is_none(), "{frame}");
        }
    }
}
