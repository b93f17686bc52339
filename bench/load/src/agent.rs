//! A registered agent: the connection, its name, and the requests that every mode makes.

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::{
    frames::{self, Kind},
    wire::Connection,
};

/// The hub's address and token.
#[derive(clap::Args, Clone)]
pub struct Hub {
    /// Host and port of the hub's agent port.
    #[arg(long, default_value = "127.0.0.1:9559")]
    pub address: String,
    /// The hub's token, if it needs one.
    #[arg(long, env = "OROCHI_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// One agent, registered.
pub struct Agent {
    pub name: String,
    pub connection: Connection,
}

impl Agent {
    /// Connects and registers `name` in `channels`; returns when the hub has acked.
    pub async fn register(hub: &Hub, name: String, channels: &[&str], buffer_bytes: usize) -> Result<Self> {
        let token = hub.token.as_deref().filter(|token| !token.is_empty());
        let connection = Connection::open(&hub.address, token, buffer_bytes).await?;
        let mut agent = Self { name, connection };
        if agent.connection.is_foreign() {
            let channel = channels.first().copied();
            agent.connection.join_foreign(channel).await.context("the server did not take the load's stream")?;
            return Ok(agent);
        }
        let payload = json!({ "channels": channels, "machine": "bench", "role": "load" });
        agent.request("register", payload, |_| {}).await.context("the register was not acked")?;
        Ok(agent)
    }

    /// Waits until the hub has answered a heartbeat. What it sent before has then been looked at, so that a message
    /// that came twice is seen before the run is called good.
    pub async fn settle(&mut self, on_message: impl FnMut(&[u8])) -> Result<()> {
        if self.connection.is_foreign() {
            return self.connection.settle_foreign(on_message).await;
        }
        self.request("heartbeat", json!({}), on_message).await
    }

    async fn request(
        &mut self,
        kind: &str,
        payload: serde_json::Value,
        mut on_message: impl FnMut(&[u8]),
    ) -> Result<()> {
        let id = uuid::Uuid::new_v4().to_string();
        let frame = json!({ "type": kind, "sender": self.name, "id": id, "payload": payload });
        self.connection.queue_text(frame.to_string().as_bytes());
        let mut acked = false;
        while !acked {
            self.connection.turn().await?;
            self.connection.drain(|text| {
                match frames::kind(text) {
                    Kind::Ack => acked |= frames::reference(text) == Some(id.as_bytes()),
                    Kind::Message => on_message(text),
                    Kind::Error => bail!("the hub refused: {}", String::from_utf8_lossy(text)),
                    Kind::Other => {}
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// A name that no earlier run used: a hub remembers names, and 0.1.0 gives a channel's old members its messages.
pub fn run_name() -> String {
    format!("load-{}", &uuid::Uuid::new_v4().simple().to_string()[..12])
}
