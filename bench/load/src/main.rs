//! The load generator: gives a hub the work that bench/README.md's table is about, and prints what came of it.
//!
//! It shares a small machine with the hub that it measures, so it has one thread and its own reader of WebSocket
//! frames, which finds the frame's end and the few fields that are checked. Everything it measures it also
//! checks: a rate of messages that were lost, doubled or out of order is no rate.
//!
//! Read in this order: [`wire`] (a WebSocket connection), [`agent`] (one that is registered), [`frames`] (what a
//! message looks like and what is read of it), [`tally`] (exactly once, in order), then one module a mode.

mod agent;
mod caught_up;
mod firehose;
mod frames;
mod idle;
mod latency;
mod nats;
mod redis;
mod replay;
mod start;
mod tally;
mod throughput;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "orochi-load", about = "Gives an Orochi hub work and prints one JSON line with the result.")]
struct Arguments {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// As many messages a second as the hub acks and delivers.
    Throughput(throughput::Options),
    /// How long an ack and a delivery take at a steady rate.
    Latency(latency::Options),
    /// Agents that are connected and say nothing, until stdin closes.
    Idle(idle::Options),
    /// A server that writes messages as fast as a client takes them, until stdin closes.
    Firehose(firehose::Options),
    /// How fast a receiver that is far behind gets what it missed.
    Replay(replay::Options),
    /// How soon after the last replayed message `caught_up` comes.
    CaughtUp(caught_up::Options),
    /// How long a hub takes from its start to the first agent registered.
    Start(start::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.mode) {
        Ok(result) => {
            println!("{result}");
            // A run that lost or doubled something has a result to look at, and is a failure all the same.
            if result["ok"] == serde_json::Value::Bool(false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("orochi-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mode: Mode) -> anyhow::Result<serde_json::Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async move {
        match mode {
            Mode::Throughput(options) => throughput::run(options).await,
            Mode::Latency(options) => latency::run(options).await,
            Mode::Idle(options) => idle::run(options).await,
            Mode::Firehose(options) => firehose::run(options).await,
            Mode::Replay(options) => replay::run(options).await,
            Mode::CaughtUp(options) => caught_up::run(options).await,
            Mode::Start(options) => start::run(options).await,
        }
    })
}
