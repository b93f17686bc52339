//! The replay of missed messages to a receiver that is far behind: it registers with `resume` and counts until it has
//! everything up to the head in its ack.

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::{
    agent::{self, Hub},
    frames::{self, Kind},
    throughput::RECEIVER_BUFFER_BYTES,
    wire::Connection,
};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    hub: Hub,
    /// Channels to be in; the last message of the log is to be in one of them.
    #[arg(long, required = true)]
    channel: Vec<String>,
    /// The place after which everything is asked for.
    #[arg(long, default_value_t = 0)]
    resume: u64,
}

pub async fn run(options: Options) -> Result<Value> {
    let token = options.hub.token.as_deref().filter(|token| !token.is_empty());
    let mut connection = Connection::open(&options.hub.address, token, RECEIVER_BUFFER_BYTES).await?;
    if connection.is_foreign() {
        return replay_nats(connection, &options.channel[0]).await;
    }
    let register = json!({
        "type": "register",
        "sender": agent::run_name(),
        "id": "register",
        "payload": { "channels": options.channel, "resume": options.resume },
    });
    connection.queue_text(register.to_string().as_bytes());
    let started = Instant::now();
    let (mut head, mut last, mut messages) = (None, options.resume, 0_u64);
    while head != Some(last) {
        connection.turn().await?;
        connection.drain(|text| {
            match frames::kind(text) {
                Kind::Ack => {
                    let ack: Value = serde_json::from_slice(text)?;
                    head = ack["payload"]["seq"].as_u64();
                }
                Kind::Message => {
                    let Some(seq) = frames::seq(text) else { bail!("a message without seq: is this a 0.1.0 hub?") };
                    ensure!(head.is_some(), "message {seq} came before the ack");
                    ensure!(seq > last, "message {seq} came after {last}");
                    last = seq;
                    messages += 1;
                }
                Kind::Error => bail!("the hub refused: {}", String::from_utf8_lossy(text)),
                Kind::Other => {}
            }
            Ok(())
        })?;
    }
    Ok(report(messages, started))
}

/// The same of a stream: all that its consumer has pending.
async fn replay_nats(mut connection: Connection, channel: &str) -> Result<Value> {
    let started = Instant::now();
    let pending = connection.consume(Some(channel)).await?;
    let mut messages = 0;
    loop {
        connection.drain(|text| {
            messages += u64::from(frames::kind(text) == Kind::Message);
            Ok(())
        })?;
        if messages >= pending {
            return Ok(report(messages, started));
        }
        connection.turn().await?;
    }
}

fn report(messages: u64, started: Instant) -> Value {
    let seconds = started.elapsed().as_secs_f64();
    let rate = (messages as f64 / seconds).round();
    json!({ "mode": "replay", "ok": true, "messages": messages, "seconds": seconds, "messages_per_second": rate })
}
