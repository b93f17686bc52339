//! `orochi health`: whether the hub lives and its log takes writes, as an exit code.

use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

#[derive(Debug, Args)]
pub struct Health {
    /// Only ask whether the process lives, which needs no disk
    #[arg(long)]
    alive: bool,
    /// Print {"alive": …, "ready": …}, and with exit code 1 also {"error": …}
    #[arg(long)]
    json: bool,
}

impl Health {
    pub async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let lives: Result<Value, Failure> = hub.get(&["healthz"], &[]).await;
        let is_alive = lives.is_ok();
        let ready: Result<Value, Failure> = match lives {
            Ok(_) if !self.alive => hub.get(&["readyz"], &[]).await,
            lives => lives,
        };
        if !self.json {
            ready?;
            return output::line("ok");
        }
        let mut answer = json!({"alive": is_alive});
        if !self.alive {
            answer["ready"] = ready.is_ok().into();
        }
        if let Err(Failure::Hub(sentence) | Failure::Usage(sentence)) = &ready {
            answer["error"] = sentence.as_str().into();
        }
        output::json(&answer)?;
        ready.map(|_| ())
    }
}
