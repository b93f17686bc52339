//! A message to run a command for, and the settings of a listener.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::budget::Allowance;

/// The intent that the budget counts.
const REQUEST: &str = "request";

/// The settings of a listener.
#[derive(Debug, Clone)]
pub struct Options {
    /// The agent's name.
    pub name: String,
    /// The command, for `sh -c`.
    pub command: String,
    /// Variables of every run, besides the listener's own.
    pub environment: Vec<(String, String)>,
    /// The number of requests that may run.
    pub budget: Allowance,
    /// Pauses between the runs for one message.
    pub pauses: [Duration; 3],
    /// The folder for stored files: `dirs::state`.
    pub folder: PathBuf,
    /// Reports a sentence to a person.
    pub tell: fn(&str),
}

/// A message to run the command for.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its seq.
    pub seq: u64,
    /// The sender's id for it.
    pub id: String,
    /// Its sender.
    pub sender: String,
    /// The channel, or `@sender` for a direct message.
    pub channel: String,
    /// The sender's expectation: `request`, `inform` or `ack`.
    pub intent: &'static str,
    /// Its text.
    pub text: String,
    /// The whole message, for the command's standard input.
    pub json: String,
}

impl Job {
    /// Returns a message's intent from its metadata. Without one, it is a request.
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

    /// Identifies the message across logs: in an older copy of the log, its seq may be another message's.
    pub(super) fn key(&self) -> String {
        json!([self.sender, self.id]).to_string()
    }
}
