//! The time from a hub's start to the first registered agent.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::agent::{Agent, Hub};

/// Time between two tries to connect. Short against the time measured; nothing else runs on this thread.
const PAUSE: Duration = Duration::from_micros(250);

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    hub: Hub,
    /// Seconds after which the hub counts as not starting.
    #[arg(long, default_value_t = 30)]
    timeout: u64,
    /// The command that starts the hub on that address.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Ends the hub when dropped: no way out of a measurement leaves one behind.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn run(options: Options) -> Result<Value> {
    if tokio::net::TcpStream::connect(&options.hub.address).await.is_ok() {
        bail!("something already listens on {}", options.hub.address);
    }
    let mut command = Command::new(&options.command[0]);
    command.args(&options.command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let mut hub = Started(command.spawn().with_context(|| format!("{} does not start", options.command[0]))?);
    let spawned = started.elapsed();
    loop {
        match Agent::register(&options.hub, "load-first".to_owned(), &["#general"], 4096).await {
            Ok(_) => break,
            Err(error) if started.elapsed() > Duration::from_secs(options.timeout) => {
                return Err(error.context(format!("no agent could register within {} s", options.timeout)));
            }
            Err(_) => {}
        }
        if let Some(status) = hub.0.try_wait()? {
            bail!("the hub ended before it took a connection: {status}");
        }
        std::thread::sleep(PAUSE);
    }
    let registered = started.elapsed();
    Ok(json!({
        "mode": "start", "ok": true, "spawn_ms": millis(spawned), "registered_ms": millis(registered),
    }))
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 1e2
}
