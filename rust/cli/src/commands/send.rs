//! `orochi send`: one message, over HTTP, so that no agent of the same name notices.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use orochi_protocol::limits::CONTENT_BYTES_MAX;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::rows::parse_seq;
use super::{Identity, target};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::{output, stderr, text};

/// The default limit of `--wait seen`.
const WAIT_DEFAULT: Duration = Duration::from_secs(60);
/// The pause between two queries for the receipts.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(override_usage = "orochi send [OPTIONS] <CHANNEL> <MESSAGE>\n       \
                            orochi send [OPTIONS] <CHANNEL> --file <FILE>")]
pub struct Send {
    /// The target: '#channel' (quoted, or without its #), or @agent for that agent alone
    channel: String,
    /// The text; @name in it reaches that agent. A single - reads it from the standard input
    #[arg(allow_hyphen_values = true, required_unless_present = "file", conflicts_with = "file")]
    message: Option<String>,
    /// Send a file's text
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The number of the message that this one answers
    #[arg(long, value_name = "SEQ", value_parser = parse_seq)]
    reply_to: Option<u64>,
    /// What its reader should do: request (answer; the default), inform (know), ack (nothing). Only requests wake
    #[arg(long, value_parser = ["request", "inform", "ack"])]
    intent: Option<String>,
    /// Wait until every addressed agent has handled it, for 60 s or the given time; exit with 4 if they have not
    #[arg(long, value_name = "seen[=60s]", value_parser = parse_wait)]
    wait: Option<Duration>,
    /// Print the hub's answer: seq, id, ts and the state of each addressed agent
    #[arg(long)]
    json: bool,
}

impl Send {
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        let target = target(&self.channel)?;
        let content = self.content()?;
        if content.trim().is_empty() {
            return Err(Failure::Usage("the message is empty; say something, or nothing is sent".to_owned()));
        }
        let mut body = json!({
            "channel": target,
            "content": content,
            "sender": identity.name,
            "id": Uuid::now_v7().to_string(),
        });
        if let Some(seq) = self.reply_to {
            body["reply_to"] = seq.into();
        }
        if let Some(intent) = &self.intent {
            body["metadata"] = json!({"intent": intent});
        }
        let answer: Value = hub.post_once(&["api", "messages"], &body).await?;
        let wait = self.wait;
        if self.json {
            output::json(&answer)?;
        } else {
            let seq = answer.get("seq").and_then(Value::as_u64).map(|seq| format!("#{seq} ")).unwrap_or_default();
            // Typed text is shown as the shell passed it; text from elsewhere may be long.
            let typed = self.message.filter(|message| message != "-");
            let said = typed.map(|message| format!(": {}", text::message(&message))).unwrap_or_default();
            output::line(&format!("Sent {seq}to {}{said}", text::inline(&self.channel)))?;
        }
        if !self.json {
            addressed(&answer).try_for_each(|line| output::line(&line))?;
        }
        note_unknown(&answer);
        match (wait, answer.get("seq").and_then(Value::as_u64)) {
            (Some(limit), Some(seq)) => wait_seen(hub, identity, &answer, seq, limit).await,
            _ => Ok(()),
        }
    }

    fn content(&self) -> Result<String, Failure> {
        match (&self.file, self.message.as_deref()) {
            (Some(path), _) => {
                let name = path.display().to_string();
                read(open(path).map_err(|error| unreadable(&name, &error))?, &name)
            }
            (None, Some("-")) => read(io::stdin().lock(), "the standard input"),
            (None, message) => Ok(message.unwrap_or_default().to_owned()),
        }
    }
}

/// Reads `seen` or `seen=60s`.
fn parse_wait(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is nothing to wait for: write seen, or seen=60s");
    let rest = text.strip_prefix("seen").ok_or_else(wrong)?;
    if rest.is_empty() {
        return Ok(WAIT_DEFAULT);
    }
    let seconds = rest.strip_prefix('=').map(|rest| rest.trim_end_matches('s')).ok_or_else(wrong)?;
    seconds.parse().map(Duration::from_secs).map_err(|_| wrong())
}

/// Waits until every addressed agent has handled the message.
async fn wait_seen(hub: &Hub, own: &Identity, answer: &Value, seq: u64, limit: Duration) -> Result<(), Failure> {
    let addressed: Vec<String> =
        answer.get("delivery").and_then(Value::as_object).map(|all| all.keys().cloned().collect()).unwrap_or_default();
    let deadline = Instant::now() + limit;
    let number = seq.to_string();
    loop {
        let query = [("agent", own.name.to_string())];
        let receipts: Value = hub.get(&["api", "messages", &number, "receipts"], &query).await?;
        let state = |name: &str| receipts["agents"][name].as_str().unwrap_or("pending").to_owned();
        let left = addressed.iter().filter(|name| state(name) != "seen");
        let left: Vec<String> = left.map(|name| format!("{name} ({})", state(name))).collect();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let (left, seconds) = (left.join(", "), limit.as_secs());
            let told = format!("#{seq} is not seen within {seconds} s by {left}; it is kept for them");
            return Err(Failure::TimedOut(told));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

/// Reads a whole text, without the line end after its last line, which files have and messages don't.
fn read(from: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    // One byte more than allowed, and a line end: enough to detect a text that is too long.
    let max = CONTENT_BYTES_MAX as u64 + 3;
    from.take(max).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        if place + 4 > CONTENT_BYTES_MAX { too_long(name) } else { not_text(name, place) }
    })?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.len() > CONTENT_BYTES_MAX { Err(too_long(name)) } else { Ok(text.to_owned()) }
}

fn too_long(name: &str) -> Failure {
    Failure::Usage(format!("{name} has more than {CONTENT_BYTES_MAX} bytes, the most that a message holds; send less"))
}

fn not_text(name: &str, place: usize) -> Failure {
    Failure::Usage(format!("{name} is not UTF-8 from byte {place} on; send text"))
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::Usage(format!("cannot read {name}: {error}"))
}

/// Describes how the message gets to each addressed agent that the hub knows.
fn addressed(answer: &Value) -> impl Iterator<Item = String> {
    let delivery = answer.get("delivery").and_then(Value::as_object).map(Map::iter);
    delivery.into_iter().flatten().filter_map(|(name, state)| {
        let how = match (state.as_str()?, answer["reach"][name].as_str()) {
            ("online", Some("wake")) => "online, wakes on it",
            ("online", Some("turn")) => "online, reads it in its next turn",
            ("online", Some("poll")) => "online, reads it when it looks",
            ("online", _) => "online",
            ("offline", _) => "offline, gets it when it is back",
            _ => return None,
        };
        Some(text::inline(&format!("  {name}: {how}")))
    })
}

/// Reports unknown names: the message waits for them, but a name may be misspelt.
pub(super) fn note_unknown(answer: &Value) {
    let delivery = answer.get("delivery").and_then(Value::as_object).map(Map::iter);
    for (name, _) in delivery.into_iter().flatten().filter(|(_, state)| *state == "unknown") {
        stderr::say(&format!("nobody named {} has registered; the message waits\n", text::inline(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn send_reads_text_up_to_the_limit() {
        let read = |bytes: &[u8]| read(bytes, "it").map_err(|failure| format!("{failure:?}"));
        assert_eq!(read(b"two\nlines\n"), Ok("two\nlines".to_owned()));
        assert_eq!(read(b"\n\r\n"), Ok("\n".to_owned()));
        let most = "é".repeat(CONTENT_BYTES_MAX / 2);
        assert_eq!(read(format!("{most}\r\n").as_bytes()).as_deref(), Ok(most.as_str()));
        for more in [format!("{most}x"), format!("x{most}"), format!("{most}xyz"), format!("{most}{most}")] {
            assert!(read(more.as_bytes()).is_err_and(|told| told.contains("more than 262144 bytes")));
        }
        assert!(read(b"ab\xff").is_err_and(|told| told.contains("not UTF-8 from byte 2 on")));
    }
}
