//! The load generator: puts the load of bench/README.md's table on a hub, and prints the results.
//!
//! It shares a small machine with the hub that it measures, so it has one thread and its own reader of WebSocket
//! frames, which finds the frame's end and the few fields that are checked. Everything it measures it also
//! checks: a rate of messages that were lost, doubled or out of order is no rate.
//!
//! Read in this order: [`wire`] (a WebSocket connection), [`agent`] (a registered one), [`frames`] (the load's
//! messages, and the fields that are read), [`tally`] (exactly once, in order), then one module a mode.

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
    /// The delay of acks and deliveries at a steady rate.
    Latency(latency::Options),
    /// Agents that are connected and say nothing, until stdin closes.
    Idle(idle::Options),
    /// A server that writes messages as fast as a client takes them, until stdin closes.
    Firehose(firehose::Options),
    /// The replay of missed messages to a receiver that is far behind.
    Replay(replay::Options),
    /// The delay of `caught_up` after the last replayed message.
    CaughtUp(caught_up::Options),
    /// The time from a hub's start to the first registered agent.
    Start(start::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.mode) {
        Ok(result) => {
            println!("{result}");
            // A run that lost or doubled a message has a result to print, and is still a failure.
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
