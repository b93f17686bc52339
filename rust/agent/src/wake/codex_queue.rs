//! `codex queue`: Codex's own command to add a prompt to a thread.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::outcome::Outcome;

/// With Codex's daemon it takes 0.2 s. Without it, the command waits for the turn, and is left alone after this time.
const WAIT_MAX: Duration = Duration::from_millis(700);

/// Queues a text as the thread's next prompt.
pub async fn post(thread: &str, text: &str) -> Outcome {
    let child = Command::new("codex")
        .args(["queue", "--thread", thread])
        // One argument, so that a text that begins with a dash is not an option.
        .arg(format!("--message={text}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            tracing::warn!(%error, "codex can't be run to wake its session");
            return Outcome::Unavailable;
        }
    };
    match timeout(WAIT_MAX, child.wait()).await {
        Ok(Ok(status)) if !status.success() => Outcome::Failed,
        Ok(Err(_)) => Outcome::Failed,
        Ok(Ok(_)) => Outcome::Posted,
        Err(_) => {
            // It goes on by itself; a task must await its end.
            tokio::spawn(async move { child.wait().await });
            Outcome::Posted
        }
    }
}
