//! The delay of acks and deliveries at a steady rate.
//!
//! The senders send when it is time, acked or not, and a message's time runs from then: a hub that falls behind
//! shows it, instead of being sent less.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::spawn_local;

use crate::{
    agent::{self, Agent, Hub},
    frames::{self, Ids, Kind, Messages},
    tally::{self, Tally},
    throughput::{RECEIVER_BUFFER_BYTES, SENDER_BUFFER_BYTES},
};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    hub: Hub,
    /// Connections that send in turn, each as an agent of its own.
    #[arg(long, default_value_t = 4)]
    senders: u32,
    /// Messages a second of all senders together.
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// The seconds for which they send.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// The kind of ids of the messages.
    #[arg(long, value_enum, default_value_t = Ids::V7)]
    ids: Ids,
    /// Seconds after the last send after which what is still missing counts as lost.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
}

/// The shared state of a run's connections. One thread owns it all.
struct Run {
    started: Instant,
    /// Per place, when it was sent.
    sent: Vec<Option<Instant>>,
    ack_times: Vec<Duration>,
    delivery_times: Vec<Duration>,
    last_delivery: Instant,
    tally: Tally,
}

pub async fn run(options: Options) -> Result<Value> {
    ensure!(options.senders > 0 && options.rate > 0, "--senders and --rate must be at least 1");
    let total = options.rate * options.seconds;
    let name = agent::run_name();
    let channel = format!("#{name}");
    let receiver = Agent::register(&options.hub, format!("{name}-r0"), &[&channel], RECEIVER_BUFFER_BYTES).await?;
    let mut senders = Vec::new();
    for index in 0..options.senders {
        senders.push(Agent::register(&options.hub, format!("{name}-s{index}"), &[], SENDER_BUFFER_BYTES).await?);
    }
    let started = Instant::now();
    let run = Rc::new(RefCell::new(Run {
        started,
        sent: vec![None; total as usize],
        ack_times: Vec::with_capacity(total as usize),
        delivery_times: Vec::with_capacity(total as usize),
        last_delivery: started,
        tally: Tally::new(total as usize, options.senders as usize),
    }));
    let receiving = spawn_local(receive(receiver, run.clone()));
    let sending: Vec<_> = (0..)
        .zip(senders)
        .map(|(index, agent)| {
            let messages = Messages::new(&agent.name, &channel, options.ids);
            let plan = Plan { next: index, step: options.senders, total, rate: options.rate };
            spawn_local(send(agent, messages, plan, run.clone()))
        })
        .collect();
    let limit = Duration::from_secs(u64::from(options.seconds) + options.timeout);
    let ended = tokio::time::timeout(limit, async {
        for task in sending {
            task.await??;
        }
        let mut receiver = receiving.await??;
        receiver
            .settle(|frame| {
                run.borrow_mut().tally.count(frame);
            })
            .await
    })
    .await;
    if let Ok(result) = &ended {
        result.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    }
    Ok(report(&options, &mut run.borrow_mut(), ended.is_err()))
}

/// The messages of a sender, and their times.
struct Plan {
    next: u32,
    step: u32,
    total: u32,
    rate: u32,
}

impl Plan {
    fn due(&self, started: Instant) -> Option<Instant> {
        let after = Duration::from_secs_f64(f64::from(self.next) / f64::from(self.rate));
        (self.next < self.total).then(|| started + after)
    }
}

async fn send(mut agent: Agent, mut messages: Messages, mut plan: Plan, run: Rc<RefCell<Run>>) -> Result<()> {
    let started = run.borrow().started;
    let mut unacked = 0;
    loop {
        let due = plan.due(started);
        if due.is_none() && unacked == 0 {
            return Ok(());
        }
        tokio::select! {
            () = sleep_until(due) => {
                agent.connection.queue_text(messages.next(plan.next));
                run.borrow_mut().sent[plan.next as usize] = Some(Instant::now());
                plan.next += plan.step;
                unacked += 1;
            }
            result = agent.connection.turn() => result?,
        }
        agent.connection.drain(|text| {
            match frames::kind(text) {
                Kind::Ack => {
                    let run = &mut *run.borrow_mut();
                    let place = frames::acked_place(text);
                    let sent = place.and_then(|place| run.sent.get(place as usize).copied().flatten());
                    let Some(sent) = sent else {
                        bail!("an ack for a message that was not sent: {}", String::from_utf8_lossy(text));
                    };
                    run.ack_times.push(sent.elapsed());
                    unacked -= 1;
                }
                Kind::Error => bail!("the hub refused a message: {}", String::from_utf8_lossy(text)),
                Kind::Message | Kind::Other => {}
            }
            Ok(())
        })?;
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

async fn receive(mut agent: Agent, run: Rc<RefCell<Run>>) -> Result<Agent> {
    while !run.borrow().tally.complete() {
        agent.connection.turn().await?;
        let now = Instant::now();
        let run = &mut *run.borrow_mut();
        agent.connection.drain(|text| {
            if frames::kind(text) == Kind::Message
                && let Some(place) = run.tally.count(text)
                && let Some(sent) = run.sent[place as usize]
            {
                run.delivery_times.push(now - sent);
            }
            Ok(())
        })?;
        run.last_delivery = now;
    }
    Ok(agent)
}

fn report(options: &Options, run: &mut Run, timed_out: bool) -> Value {
    let (received_ok, received) = tally::summary(std::slice::from_ref(&run.tally));
    let total = (options.rate * options.seconds) as usize;
    let seconds = (run.last_delivery - run.started).as_secs_f64();
    json!({
        "mode": "latency",
        "ok": received_ok && !timed_out && run.ack_times.len() == total,
        "timed_out": timed_out,
        "senders": options.senders,
        "rate": options.rate,
        "messages": total,
        "held_rate": if seconds > 0.0 { (run.tally.distinct as f64 / seconds).round() } else { 0.0 },
        "received": received,
        "ack_ms": percentiles(&mut run.ack_times),
        "delivery_ms": percentiles(&mut run.delivery_times),
    })
}

pub fn percentiles(times: &mut [Duration]) -> Value {
    times.sort_unstable();
    let at = |share: f64| {
        let rank = (times.len() as f64 * share).ceil() as usize;
        let time = times.get(rank.saturating_sub(1)).copied().unwrap_or_default();
        (time.as_secs_f64() * 1e6).round() / 1e3
    };
    json!({ "p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": at(1.0) })
}
