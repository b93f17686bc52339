//! The delay of `caught_up` after the last replayed message: an agent that missed some messages comes back again and
//! again, while others send or while nobody does.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::spawn_local;

use crate::{
    agent::{self, Agent, Hub},
    frames::{self, Ids, Kind, Messages},
    latency::percentiles,
    throughput::{RECEIVER_BUFFER_BYTES, SENDER_BUFFER_BYTES},
    wire::Connection,
};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    hub: Hub,
    /// Messages that were missed at each resume; they are sent first.
    #[arg(long, default_value_t = 10_000)]
    missed: u32,
    /// The number of times that the agent comes back.
    #[arg(long, default_value_t = 100)]
    resumes: u32,
    /// Messages a second that are sent into the channel meanwhile.
    #[arg(long, default_value_t = 0)]
    rate: u32,
}

/// Messages that wait for their acks while the log is filled.
const WINDOW: u32 = 256;

/// The times of one resume.
struct Resume {
    /// From the last message up to the place of `caught_up` to the frame itself.
    gap: Duration,
    /// From the register to `caught_up`.
    whole: Duration,
    messages: u64,
}

pub async fn run(options: Options) -> Result<Value> {
    ensure!(options.missed > 0 && options.resumes > 0, "--missed and --resumes must be at least 1");
    let name = agent::run_name();
    let channel = format!("#{name}");
    let mut sender = Agent::register(&options.hub, format!("{name}-s"), &[], SENDER_BUFFER_BYTES).await?;
    let mut messages = Messages::new(&sender.name, &channel, Ids::V7);
    let before = head(&options.hub).await?;
    fill(&mut sender, &mut messages, options.missed).await?;
    let is_over = Rc::new(Cell::new(false));
    let sending = (options.rate > 0)
        .then(|| spawn_local(keep_sending(sender, messages, options.missed, options.rate, Rc::clone(&is_over))));
    let (mut gaps, mut wholes, mut received) = (Vec::new(), Vec::new(), 0);
    let mut resume = before;
    for _ in 0..options.resumes {
        let now = head(&options.hub).await?;
        // While others send the place moves with the head, so that the same number is missed each time.
        resume = resume.max(now.saturating_sub(u64::from(options.missed)));
        let one = come_back(&options.hub, &format!("{name}-r"), &channel, resume).await?;
        ensure!(one.messages >= u64::from(options.missed), "only {} messages were replayed", one.messages);
        gaps.push(one.gap);
        wholes.push(one.whole);
        received += one.messages;
    }
    is_over.set(true);
    if let Some(sending) = sending {
        sending.await??;
    }
    Ok(json!({
        "mode": "caught_up", "ok": true, "missed": options.missed, "rate": options.rate, "resumes": options.resumes,
        "messages": received, "gap_ms": percentiles(&mut gaps), "whole_ms": percentiles(&mut wholes),
    }))
}

/// The newest message, from a register's ack.
async fn head(hub: &Hub) -> Result<u64> {
    let (_, head) = register(hub, &agent::run_name(), &[], Value::Null).await?;
    Ok(head)
}

/// A connection that has registered, and the head that its ack named.
async fn register(hub: &Hub, name: &str, channels: &[&str], resume: Value) -> Result<(Connection, u64)> {
    let token = hub.token.as_deref().filter(|token| !token.is_empty());
    let mut connection = Connection::open(&hub.address, token, RECEIVER_BUFFER_BYTES).await?;
    let payload = json!({ "channels": channels, "resume": resume });
    let frame = json!({ "type": "register", "sender": name, "id": "register", "payload": payload });
    connection.queue_text(frame.to_string().as_bytes());
    if !resume.is_null() {
        return Ok((connection, 0));
    }
    let mut head = None;
    while head.is_none() {
        connection.turn().await?;
        connection.drain(|text| {
            ensure!(frames::kind(text) == Kind::Ack, "not an ack: {}", String::from_utf8_lossy(text));
            head = serde_json::from_slice::<Value>(text)?["payload"]["seq"].as_u64();
            Ok(())
        })?;
    }
    Ok((connection, head.unwrap_or_default()))
}

async fn fill(sender: &mut Agent, messages: &mut Messages, count: u32) -> Result<()> {
    let (mut sent, mut acked) = (0, 0);
    while acked < count {
        while sent < count && sent - acked < WINDOW {
            sender.connection.queue_text(messages.next(sent));
            sent += 1;
        }
        sender.connection.turn().await?;
        sender.connection.drain(|text| {
            acked += u32::from(frames::kind(text) == Kind::Ack);
            Ok(())
        })?;
    }
    Ok(())
}

async fn keep_sending(
    mut sender: Agent,
    mut messages: Messages,
    mut place: u32,
    rate: u32,
    is_over: Rc<Cell<bool>>,
) -> Result<()> {
    let mut due = tokio::time::interval(Duration::from_secs_f64(1.0 / f64::from(rate)));
    while !is_over.get() {
        tokio::select! {
            _ = due.tick() => {
                sender.connection.queue_text(messages.next(place));
                place += 1;
            }
            turned = sender.connection.turn() => turned?,
        }
        sender.connection.drain(|_| Ok(()))?;
    }
    Ok(())
}

/// Registers at a place and waits for `caught_up`.
async fn come_back(hub: &Hub, name: &str, channel: &str, resume: u64) -> Result<Resume> {
    let started = Instant::now();
    let (mut connection, _) = register(hub, name, &[channel], resume.into()).await?;
    let (mut last_message, mut last, mut messages) = (started, resume, 0);
    let mut caught_up = None;
    while caught_up.is_none() {
        connection.turn().await?;
        let now = Instant::now();
        connection.drain(|text| {
            match frames::kind(text) {
                Kind::Message if caught_up.is_none() => {
                    let seq = frames::seq(text).unwrap_or_default();
                    ensure!(seq > last, "message {seq} came after {last}");
                    (last, last_message) = (seq, now);
                    messages += 1;
                }
                Kind::Error => bail!("the hub refused: {}", String::from_utf8_lossy(text)),
                Kind::Other if memchr::memmem::find(text, b"\"caught_up\"").is_some() => {
                    caught_up = Some((now, frames::seq(text).unwrap_or_default()));
                }
                Kind::Message | Kind::Ack | Kind::Other => {}
            }
            Ok(())
        })?;
    }
    let (at, seq) = caught_up.unwrap_or((started, 0));
    ensure!(seq >= last, "caught_up names {seq}, and {last} came before it");
    Ok(Resume { gap: at - last_message, whole: at - started, messages })
}
