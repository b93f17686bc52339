//! Agents that are connected and say nothing: what a connection costs in memory is read off the hub meanwhile.

use std::{cell::Cell, rc::Rc};

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::spawn_local};

use crate::{
    agent::{self, Agent, Hub},
    wire,
};

/// Registrations under way at once: enough to be quick, below the backlog of any listening socket.
const AT_ONCE: usize = 64;
/// They hear pings and a presence now and then.
const BUFFER_BYTES: usize = 1024;

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    hub: Hub,
    /// Agents to register and hold.
    #[arg(long, default_value_t = 1000)]
    connections: usize,
}

pub async fn run(options: Options) -> Result<Value> {
    let name = agent::run_name();
    // A NATS server has a limit of a thousand consumers as it comes; there an idle agent is a subscription alone. One
    // of Redis is a connection that reads nothing.
    let channels: &[&str] = if wire::is_foreign(&options.hub.address) { &[] } else { &["#general"] };
    let agents: Vec<Agent> = stream::iter(0..options.connections)
        .map(|index| Agent::register(&options.hub, format!("{name}-i{index}"), channels, BUFFER_BYTES))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    println!("{}", json!({ "ready": agents.len() }));
    let lost = Rc::new(Cell::new(0));
    for agent in agents {
        let lost = lost.clone();
        spawn_local(async move {
            if let Err(error) = hold(agent).await {
                lost.set(lost.get() + 1);
                eprintln!("orochi-load: an idle connection ended: {error:#}");
            }
        });
    }
    stdin_closed().await;
    Ok(json!({ "mode": "idle", "ok": lost.get() == 0, "connections": options.connections, "lost": lost.get() }))
}

async fn hold(mut agent: Agent) -> Result<()> {
    loop {
        agent.connection.drain(|_| Ok(()))?;
        agent.connection.turn().await?;
    }
}

/// Ends when whoever started this closes its stdin, or dies.
pub async fn stdin_closed() {
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        // An error ends it like the end of the stream does, and nobody may be left to hear of it.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = closed.send(());
    });
    let _ = wait.await;
}
