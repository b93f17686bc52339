//! As many messages a second as the hub acks and delivers, each sender holding at most a window of unacked ones.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::{JoinHandle, spawn_local};

use crate::{
    agent::{self, Agent, Hub},
    frames::{self, Ids, Kind, Messages},
    tally::{self, Tally},
};

/// A receiver reads this much at once: several hundred messages in one call.
pub const RECEIVER_BUFFER_BYTES: usize = 256 * 1024;
/// A sender reads acks only, a window of them at most.
pub const SENDER_BUFFER_BYTES: usize = 64 * 1024;

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    hub: Hub,
    /// Connections that send, each as an agent of its own.
    #[arg(long, default_value_t = 1)]
    senders: usize,
    /// Connections that receive every message.
    #[arg(long, default_value_t = 1)]
    receivers: usize,
    /// Connections that are to receive every message and read nothing.
    #[arg(long, default_value_t = 0)]
    mute: usize,
    /// Messages that a sender may have unacked.
    #[arg(long, default_value_t = 256)]
    window: usize,
    /// Messages of all senders together.
    #[arg(long, default_value_t = 100_000)]
    messages: u32,
    /// The kind of ids of the messages.
    #[arg(long, value_enum, default_value_t = Ids::V7)]
    ids: Ids,
    /// Seconds after which what is still missing counts as lost.
    #[arg(long, default_value_t = 120)]
    timeout: u64,
}

/// The shared state of a run's connections. One thread owns it all.
struct Run {
    tallies: RefCell<Vec<Tally>>,
    acked: Cell<usize>,
    last_ack: Cell<Instant>,
    last_delivery: Cell<Instant>,
}

pub async fn run(options: Options) -> Result<Value> {
    ensure!(options.senders > 0 && options.window > 0, "--senders and --window must be at least 1");
    let name = agent::run_name();
    let channel = format!("#{name}");
    let mut receivers = Vec::new();
    for index in 0..options.receivers {
        let name = format!("{name}-r{index}");
        receivers.push(Agent::register(&options.hub, name, &[&channel], RECEIVER_BUFFER_BYTES).await?);
    }
    let mut mute = Vec::new();
    for index in 0..options.mute {
        mute.push(Agent::register(&options.hub, format!("{name}-m{index}"), &[&channel], SENDER_BUFFER_BYTES).await?);
    }
    let mut senders = Vec::new();
    for index in 0..options.senders {
        senders.push(Agent::register(&options.hub, format!("{name}-s{index}"), &[], SENDER_BUFFER_BYTES).await?);
    }
    let tallies = receivers.iter().map(|_| Tally::new(options.messages as usize, options.senders)).collect();
    let started = Instant::now();
    let run = Rc::new(Run {
        tallies: RefCell::new(tallies),
        acked: Cell::new(0),
        last_ack: Cell::new(started),
        last_delivery: Cell::new(started),
    });
    let receiving: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(index, agent)| spawn_local(receive(agent, index, run.clone())))
        .collect();
    let sending: Vec<_> = senders
        .into_iter()
        .enumerate()
        .map(|(index, agent)| {
            let messages = Messages::new(&agent.name, &channel, options.ids);
            let sender = Sender { agent, messages, index, step: options.senders };
            spawn_local(send(sender, options.window, options.messages, run.clone()))
        })
        .collect();
    let ended = tokio::time::timeout(Duration::from_secs(options.timeout), finish(sending, receiving, &run)).await;
    if let Ok(result) = &ended {
        result.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    }
    drop(mute);
    Ok(report(&options, &channel, &run, started, ended.is_err()))
}

async fn finish(
    sending: Vec<JoinHandle<Result<()>>>,
    receiving: Vec<JoinHandle<Result<Agent>>>,
    run: &Run,
) -> Result<()> {
    for task in sending {
        task.await??;
    }
    for (index, task) in receiving.into_iter().enumerate() {
        let mut agent = task.await??;
        agent
            .settle(|frame| {
                run.tallies.borrow_mut()[index].count(frame);
            })
            .await?;
    }
    Ok(())
}

struct Sender {
    agent: Agent,
    messages: Messages,
    /// Sends the places `index`, `index + step`, …
    index: usize,
    step: usize,
}

async fn send(mut sender: Sender, window: usize, total: u32, run: Rc<Run>) -> Result<()> {
    let total = total as usize;
    let mut next = sender.index;
    let mut acked = vec![false; total.saturating_sub(sender.index).div_ceil(sender.step)];
    let mut unacked = 0;
    loop {
        while unacked < window && next < total {
            sender.agent.connection.queue_text(sender.messages.next(next as u32));
            next += sender.step;
            unacked += 1;
        }
        if unacked == 0 {
            return Ok(());
        }
        sender.agent.connection.turn().await?;
        let before = unacked;
        sender.agent.connection.drain(|text| {
            match frames::kind(text) {
                Kind::Ack => {
                    let place = frames::acked_place(text).map(|place| place as usize).filter(|place| *place < next);
                    let Some(place) = place.filter(|place| place % sender.step == sender.index) else {
                        bail!("an ack for a message that was not sent: {}", String::from_utf8_lossy(text));
                    };
                    let again = std::mem::replace(&mut acked[place / sender.step], true);
                    ensure!(!again, "a second ack: {}", String::from_utf8_lossy(text));
                    unacked -= 1;
                }
                Kind::Error => bail!("the hub refused a message: {}", String::from_utf8_lossy(text)),
                Kind::Message | Kind::Other => {}
            }
            Ok(())
        })?;
        run.acked.set(run.acked.get() + before - unacked);
        run.last_ack.set(Instant::now());
    }
}

async fn receive(mut agent: Agent, index: usize, run: Rc<Run>) -> Result<Agent> {
    while !run.tallies.borrow()[index].complete() {
        agent.connection.turn().await?;
        let mut tallies = run.tallies.borrow_mut();
        agent.connection.drain(|text| {
            if frames::kind(text) == Kind::Message {
                tallies[index].count(text);
            }
            Ok(())
        })?;
        run.last_delivery.set(Instant::now());
    }
    Ok(agent)
}

fn report(options: &Options, channel: &str, run: &Run, started: Instant, timed_out: bool) -> Value {
    let tallies = run.tallies.borrow();
    let (received_ok, received) = tally::summary(&tallies);
    let acked = run.acked.get();
    let delivered: usize = tallies.iter().map(|tally| tally.distinct).sum();
    let ack_seconds = (run.last_ack.get() - started).as_secs_f64();
    let delivery_seconds = (run.last_delivery.get() - started).as_secs_f64();
    json!({
        "mode": "throughput",
        "channel": channel,
        "ok": received_ok && !timed_out && acked == options.messages as usize,
        "timed_out": timed_out,
        "senders": options.senders,
        "receivers": options.receivers,
        "window": options.window,
        "messages": options.messages,
        "ids": format!("{:?}", options.ids).to_lowercase(),
        "acked": acked,
        "delivered": delivered,
        "received": received,
        "ack_seconds": ack_seconds,
        "delivery_seconds": delivery_seconds,
        "acked_per_second": per_second(acked, ack_seconds),
        "deliveries_per_second": per_second(delivered, delivery_seconds),
    })
}

fn per_second(count: usize, seconds: f64) -> f64 {
    if seconds > 0.0 { (count as f64 / seconds).round() } else { 0.0 }
}
