//! `orochi health`: exits with 0 if the hub is alive and its log accepts writes.

use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

#[derive(Debug, Args)]
pub struct Health {
    /// Accept a result of the log's write check that is at most this old; a new check writes to the hub's disk
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=3600))]
    max_age: Option<u32>,
    /// Print {"alive": …, "ready": …}, and with exit code 1 also {"error": …}
    #[arg(long)]
    json: bool,
}

impl Health {
    pub async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let lives: Result<Value, Failure> = hub.get(&["healthz"], &[]).await;
        let is_alive = lives.is_ok();
        let ready: Result<Value, Failure> = match lives {
            Ok(_) => {
                let max_age = self.max_age.map(|seconds| ("max_age", seconds.to_string()));
                hub.get(&["readyz"], max_age.as_slice()).await
            }
            dead => dead,
        };
        if !self.json {
            ready?;
            return output::line("ok");
        }
        let mut answer = json!({"alive": is_alive, "ready": ready.is_ok()});
        if let Err(Failure::Hub(sentence) | Failure::Usage(sentence)) = &ready {
            answer["error"] = sentence.as_str().into();
        }
        output::json(&answer)?;
        ready.map(|_| ())
    }
}
