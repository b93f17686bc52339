//! A message to run a command for, and what a listener runs.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::budget::Allowance;

/// The intent that the budget counts.
const REQUEST: &str = "request";

/// The command that a listener runs, and the place of its files.
#[derive(Debug, Clone)]
pub struct Options {
    /// The agent's name.
    pub name: String,
    /// The command, for `sh -c`.
    pub command: String,
    /// Variables that every run gets besides the listener's own.
    pub environment: Vec<(String, String)>,
    /// How many requests may be run.
    pub budget: Allowance,
    /// Waits between the runs for one message.
    pub pauses: [Duration; 3],
    /// The folder for what is kept: `dirs::state`.
    pub folder: PathBuf,
    /// Tells a person something, as a sentence.
    pub tell: fn(&str),
}

/// A message to run the command for.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its place in the log.
    pub seq: u64,
    /// Its sender's id for it.
    pub id: String,
    /// Its sender.
    pub sender: String,
    /// The channel, or `@sender` for a direct message.
    pub channel: String,
    /// The sender's expectation: `request`, `inform` or `ack`.
    pub intent: &'static str,
    /// Its text.
    pub text: String,
    /// All of it, for the command's standard input.
    pub json: String,
}

impl Job {
    /// A message's intent by its metadata. What is written to an agent is a request by default.
    pub fn intent_of(metadata: &serde_json::Value) -> &'static str {
        match metadata.get("intent").and_then(serde_json::Value::as_str) {
            Some("inform") => "inform",
            Some("ack") => "ack",
            _ => REQUEST,
        }
    }

    pub(super) fn is_request(&self) -> bool {
        self.intent == REQUEST
    }

    /// Names the message over logs: its place may be another one's in an older copy of the log.
    pub(super) fn key(&self) -> String {
        json!([self.sender, self.id]).to_string()
    }
}
