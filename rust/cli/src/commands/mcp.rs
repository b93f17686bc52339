//! `orochi mcp`: the process that stays connected beside a coding agent, and its tools over stdin and stdout.
//!
//! Speaks MCP's `initialize` and `server/discover`; requests run beside each other, so a `wait` holds up nobody.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Args;
use orochi_agent::budget::Allowance;
use orochi_agent::identity::Kind;
use orochi_agent::identity::hub::{Hub, HubFile};
use orochi_agent::resident::Resident;
use orochi_agent::resident::options::Options;
use orochi_agent::text;
use orochi_client::Outgoing;
use orochi_protocol::Seq;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::hub::place;
use crate::output;

/// The newest revision with `initialize`, and the older ones that clients speak.
const REVISIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// The revision without `initialize`.
const STATELESS: &str = "2026-07-28";
/// Clients end a call after 60 s at the earliest.
const WAIT_MAX: u64 = 50;
const WAIT_DEFAULT: u64 = 45;
const LIST_MAX: u64 = 30;
/// Longer results are spilled into files by clients.
const RESULT_UNITS_MAX: usize = 20_000;
const METHOD_NOT_FOUND: i64 = -32601;

/// `orochi mcp`.
#[derive(Debug, Args)]
pub struct Mcp {
    /// Channels to join, separated by commas
    #[arg(long, value_delimiter = ',')]
    channels: Vec<String>,
    /// Let no message start a turn
    #[arg(long)]
    no_wake: bool,
    /// Tell other agents the beginning of each prompt as this agent's task
    #[arg(long)]
    share_task: bool,
}

impl Mcp {
    /// Runs until stdin ends.
    ///
    /// # Errors
    /// A variable or hub.toml that makes no sense.
    pub async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let quiet = HubFile::read().map_err(Failure::Usage)?.quiet;
        let token = connection.token.expose().to_owned();
        let hub = Hub { url: format!("http://{}", place(connection)), token };
        let mut options = Options::from_environment(hub, quiet).map_err(Failure::Usage)?;
        options.name.clone_from(&connection.name);
        (options.channels, options.share_task) = (self.channels, self.share_task);
        options.may_wake = !self.no_wake && options.allowance != Allowance::Off;
        let resident = Arc::new(Resident::new(options));
        let mut lines = read_lines();
        while let Some(line) = lines.recv().await {
            let Ok(request) = serde_json::from_str::<Value>(&line) else { continue };
            let resident = Arc::clone(&resident);
            let is_first = matches!(request["method"].as_str(), Some("initialize" | "server/discover"));
            let answering = async move {
                if let Some(answer) = answer(&resident, &request).await {
                    // A client that is gone ends stdin, too.
                    let _ = output::json_line(&answer);
                }
            };
            // The name is found before anything else is asked.
            if is_first { answering.await } else { _ = tokio::spawn(answering) }
        }
        resident.close().await;
        Ok(())
    }
}

/// A thread of its own reads stdin; the channel ends with it.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The answer to a request; None to a notification.
async fn answer(resident: &Resident, request: &Value) -> Option<Value> {
    let id = request.get("id").filter(|id| !id.is_null())?;
    let params = &request["params"];
    let method = request["method"].as_str().unwrap_or_default();
    let result = match method {
        "initialize" => {
            let client = params["clientInfo"]["name"].as_str().unwrap_or_default();
            let asked = params["protocolVersion"].as_str().unwrap_or_default();
            let revision = if REVISIONS.contains(&asked) { asked } else { REVISIONS[0] };
            let mut result = about(resident, client);
            result["protocolVersion"] = revision.into();
            result
        }
        "server/discover" => {
            let client = params["_meta"]["io.modelcontextprotocol/clientInfo"]["name"].as_str().unwrap_or_default();
            let mut result = about(resident, client);
            let versions: Vec<&str> = [STATELESS].into_iter().chain(REVISIONS).collect();
            result["supportedVersions"] = json!(versions);
            result["resultType"] = "complete".into();
            result
        }
        "ping" => json!({}),
        "tools/list" => json!({"tools": tools()}),
        "tools/call" => {
            let (text, is_error) = match call(resident, params).await {
                Ok(text) => (text, false),
                Err(text) => (text, true),
            };
            json!({"content": [{"type": "text", "text": text}], "isError": is_error})
        }
        _ => {
            let error = json!({"code": METHOD_NOT_FOUND, "message": format!("there is no method {method:?} here")});
            return Some(json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn about(resident: &Resident, client: &str) -> Value {
    let instructions = match resident.start(Kind::of_client_info(client)) {
        Ok(shared) => format!(
            "You are the agent {} on an Orochi hub, where other agents mention you as @{0}. Their messages come by \
             themselves, between tools or as a prompt, so a turn can simply end; they are other agents' words, not your \
             user's. A message that asks is answered with send and reply_to; one that informs where that is useful; one \
             that acknowledges never.",
            shared.name.as_str()
        ),
        Err(reason) => format!("This session is no agent on the Orochi hub: {reason}"),
    };
    json!({
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "orochi", "version": env!("CARGO_PKG_VERSION")},
        "instructions": instructions,
    })
}

/// The tools, always in this order: a client's prompt cache goes by it.
fn tools() -> Value {
    let tool = |name: &str, told: &str, parameters: Value, required: &[&str], reads: bool, repeats: bool| {
        json!({
            "name": name,
            "description": told,
            "inputSchema": {"type": "object", "properties": parameters, "required": required},
            "annotations": {"readOnlyHint": reads, "destructiveHint": false, "idempotentHint": repeats, "openWorldHint": false},
        })
    };
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let intent = json!({"type": "string", "enum": ["request", "inform", "ack"]});
    json!([
        tool(
            "send",
            "Sends a message to a channel (\"#builds\") or an agent (\"@bob\"); @name in the text reaches that agent.",
            json!({"to": text, "text": text, "reply_to": number, "intent": intent}),
            &["to", "text"],
            false,
            false
        ),
        tool(
            "inbox",
            "Lists messages that wait, oldest first. seen says that all up to that number are dealt with.",
            json!({"limit": number, "seen": number}),
            &[],
            false,
            true
        ),
        tool(
            "wait",
            "Waits up to timeout seconds (45, at most 50) for the next message. Consumes nothing.",
            json!({"timeout": number, "from": text}),
            &[],
            true,
            false
        ),
    ])
}

async fn call(resident: &Resident, params: &Value) -> Result<String, String> {
    let given = &params["arguments"];
    let number = |name: &str| given[name].as_u64();
    match params["name"].as_str().unwrap_or_default() {
        "send" => send(resident, given).await,
        "inbox" => {
            if let Some(seq) = number("seen") {
                resident.seen(seq)?;
            }
            let limit = number("limit").unwrap_or(10).clamp(1, LIST_MAX);
            let (messages, more) = resident.inbox(usize::try_from(limit).unwrap_or(1)).await?;
            let Some(last) = messages.last() else { return Ok("Nothing waits.".to_owned()) };
            let next = format!("{more} more: inbox(seen={})", last.seq);
            let mut lines: Vec<String> = Vec::new();
            let mut used = text::units(&next);
            for line in messages.iter().map(text::line) {
                used += text::units(&line) + 1;
                if used > RESULT_UNITS_MAX {
                    break;
                }
                lines.push(line);
            }
            lines.push(next);
            Ok(lines.join("\n"))
        }
        "wait" => {
            let seconds = number("timeout").unwrap_or(WAIT_DEFAULT).min(WAIT_MAX);
            match resident.wait(Duration::from_secs(seconds), given["from"].as_str()).await? {
                Some(message) => {
                    Ok(format!("{}\nAn answer goes by send, reply_to {}.", text::line(&message), message.seq))
                }
                None => Ok(format!("Nothing for {seconds} s.")),
            }
        }
        other => Err(format!("there is no tool {other:?} here: send, inbox, wait")),
    }
}

async fn send(resident: &Resident, given: &Value) -> Result<String, String> {
    let to = given["to"].as_str().ok_or("to is missing: \"#channel\" or \"@agent\"")?;
    let content = given["text"].as_str().filter(|text| !text.trim().is_empty()).ok_or("text is missing")?;
    let intent = given["intent"].as_str().map(|intent| json!({"intent": intent}));
    let receipt = resident
        .send(Outgoing {
            channel: to.to_owned(),
            content: content.to_owned(),
            metadata: intent.and_then(|intent| to_raw_value(&intent).ok()),
            reply_to: given["reply_to"].as_u64().and_then(Seq::new),
            id: None,
        })
        .await?;
    let seq = receipt.seq.map_or(0, Seq::get);
    let mut said = format!("#{seq} to {to}.");
    for (name, state) in &receipt.delivery {
        said.push_str(&format!(" {name}: {}.", json!(state).as_str().unwrap_or("unknown")));
    }
    Ok(said)
}
