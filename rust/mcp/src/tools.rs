//! The tools: arguments are checked, the backend is called, the result becomes lines.

use std::time::Duration;

use orochi_protocol::names::shown;
use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, invalid, wrong};
use crate::backend::{
    Agent, Awaited, Backend, Call, Doing, Fault, HistoryQuery, Inbox, Intent, Outgoing, SearchQuery, Wait,
};
use crate::render;

/// The longest wait, in seconds: Cursor and older clients cancel a call after 60.
const WAIT_MAX: f64 = 50.0;
const WAIT_DEFAULT: f64 = 45.0;

/// A call of a tool.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) call: Call,
    pub(crate) name: String,
    pub(crate) given: Map<String, Value>,
}

/// A tool's text, or an error for its model; None for an unknown tool.
pub(crate) type ToolResult = Option<Result<String, Fault>>;

/// True if a tool's result may take long.
pub(crate) fn waits(name: &str) -> bool {
    matches!(name, "wait" | "ask")
}

/// Calls a tool.
///
/// # Errors
/// Fails with an error for the model; None for an unknown tool.
pub(crate) async fn call<B: Backend>(backend: &B, call: &Call, name: &str, given: Map<String, Value>) -> ToolResult {
    Some(match name {
        "send" => send(backend, call, given).await,
        "inbox" => inbox(backend, call, given).await,
        "wait" => wait(backend, call, given).await,
        "ask" => ask(backend, call, given).await,
        "who" => who(backend, call, given).await,
        "status" => status(backend, call, given).await,
        "history" => history(backend, call, given).await,
        "search" => search(backend, call, given).await,
        "channels" => channels(backend, call, given).await,
        "gitea" => gitea(backend, call, given).await,
        "reply" => reply(backend, call, given).await,
        "orochi_send" => old_send(backend, call, given).await,
        "orochi_who" => old_who(backend, call).await,
        "orochi_history" => old_history(backend, call, given).await,
        "orochi_channels" => old_channels(backend, call).await,
        _ => return None,
    })
}

/// Calls a tool. The futures of tools that [`waits`] names are smaller than that of [`call`], which has room for every
/// tool.
pub(crate) async fn run<B: Backend>(backend: &B, Asked { call: caller, name, given }: Asked) -> ToolResult {
    match name.as_str() {
        "wait" => Some(Box::pin(wait(backend, &caller, given)).await),
        "ask" => Some(Box::pin(ask(backend, &caller, given)).await),
        _ => Box::pin(call(backend, &caller, &name, given)).await,
    }
}

async fn send<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["to", "text", "reply_to", "intent"])?;
    let to = target("to", &given.required("to")?)?;
    let intent = match given.text("intent")? {
        None => None,
        Some(word) => {
            let unknown = || wrong("intent", &Value::String(word.clone()), "request, inform or ack");
            Some(Intent::parse(&word).ok_or_else(unknown)?)
        }
    };
    let outgoing = Outgoing { to: to.clone(), text: given.required("text")?, reply_to: given.seq("reply_to")?, intent };
    let sent = backend.send(call, outgoing).await?;
    Ok(render::sent(&sent, &to))
}

async fn inbox<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["limit", "seen"])?;
    let limit = given.limit(10, 30)?;
    if let Some(seen) = given.seq("seen")? {
        backend.seen(call, seen).await?;
    }
    let found: Inbox = backend.inbox(call, limit as usize).await?;
    Ok(render::inbox(&found))
}

async fn wait<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["timeout", "from", "channel"])?;
    let timeout = timeout(&given)?;
    let channel = given.text("channel")?.map(|channel| channel_or_agent(&channel)).transpose()?;
    let from = given.text("from")?.map(|from| agent(&from));
    let found = backend.wait(call, Wait { timeout, from, channel }).await?;
    Ok(render::waited(found.as_ref(), timeout.as_secs()))
}

async fn ask<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["agent", "text", "timeout"])?;
    let (agent, text, timeout) = (agent(&given.required("agent")?), given.required("text")?, timeout(&given)?);
    let outgoing = Outgoing { to: format!("@{agent}"), text, reply_to: None, intent: Some(Intent::Request) };
    let sent = backend.send(call, outgoing).await?;
    let answer = backend.answer(call, Awaited { agent: agent.clone(), seq: sent.seq, timeout }).await?;
    Ok(render::asked(&sent, &agent, answer.as_ref()))
}

async fn who<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["channel", "all"])?;
    let channel = given.text("channel")?.map(|channel| channel_name(&channel));
    let mut agents = backend.agents(call, given.boolean("all")?).await?;
    if let Some(channel) = &channel {
        agents.retain(|Agent { row, .. }| row.channels.contains(channel));
    }
    Ok(render::agents(&agents, backend.me().ok().as_deref()))
}

async fn status<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["status", "task", "progress"])?;
    let (status, task) = (given.required("status")?, given.text("task")?);
    let expected = "a number from 0 to 1";
    let progress = given.number("progress", expected)?;
    if let Some(progress) = progress.filter(|progress| !(0.0..=1.0).contains(progress)) {
        return Err(wrong("progress", &progress.into(), expected));
    }
    backend.status(call, Doing { status: status.clone(), task: task.clone(), progress }).await?;
    Ok(render::status(&status, task.as_deref(), progress))
}

async fn history<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["channel", "before", "after", "limit", "thread"])?;
    let query = HistoryQuery {
        channel: channel_or_agent(&given.required("channel")?)?,
        before: given.seq("before")?,
        after: given.seq("after")?,
        limit: given.limit(20, 100)?,
        thread: given.seq("thread")?,
    };
    let (channel, is_forward) = (query.channel.clone(), query.after.is_some());
    let page = backend.history(call, query).await?;
    Ok(render::history(&page, &channel, is_forward))
}

async fn search<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["words", "channel", "from", "since", "limit"])?;
    let query = SearchQuery {
        words: given.required("words")?,
        channel: given.text("channel")?.map(|channel| channel_or_agent(&channel)).transpose()?,
        from: given.text("from")?.map(|from| agent(&from)),
        since: given.text("since")?,
        limit: given.limit(20, 100)?,
    };
    Ok(render::found(&backend.search(call, query).await?))
}

async fn channels<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["join", "leave"])?;
    let (join, leave) =
        (given.text("join")?.map(|name| channel_name(&name)), given.text("leave")?.map(|name| channel_name(&name)));
    let mut done = Vec::new();
    if let Some(join) = join {
        backend.join(call, join.clone()).await?;
        done.push(format!("Joined {join}."));
    }
    if let Some(leave) = leave {
        backend.leave(call, leave.clone()).await?;
        done.push(format!("Left {leave}."));
    }
    Ok(render::channels(&backend.channels(call).await?, &done.join(" ")))
}

async fn gitea<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["action", "params"])?;
    let params = match given.value("params") {
        None | Some(Value::Null) => json!({}),
        Some(params @ Value::Object(_)) => params.clone(),
        Some(other) => return Err(wrong("params", other, "an object")),
    };
    let result = backend.gitea(call, given.required("action")?, params).await?.to_string();
    let (kept, is_cut) = crate::text::cut(&result, render::RESULT_MAX - 100);
    Ok(if is_cut { format!("{kept}… (cut: ask for less)") } else { result })
}

/// `reply` of 0.1.0's push server.
async fn reply<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["chat_id", "text", "reply_to"])?;
    let to = channel_or_agent(&given.required("chat_id")?)?;
    let outgoing =
        Outgoing { to: to.clone(), text: given.required("text")?, reply_to: given.seq("reply_to")?, intent: None };
    Ok(render::sent(&backend.send(call, outgoing).await?, &to))
}

/// 0.1.0's tools, in 0.1.0's JSON.
async fn old_send<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["channel", "message"])?;
    let (channel, message) = (given.required("channel")?, given.required("message")?);
    let to = channel_or_agent(&channel)?;
    backend.send(call, Outgoing { to, text: message.clone(), reply_to: None, intent: None }).await?;
    Ok(json!({"status": "sent", "channel": channel, "message": message}).to_string())
}

async fn old_who<B: Backend>(backend: &B, call: &Call) -> Result<String, Fault> {
    let agents = backend.agents(call, false).await?;
    Ok(render::old_agents(&agents).to_string())
}

async fn old_history<B: Backend>(backend: &B, call: &Call, given: Map<String, Value>) -> Result<String, Fault> {
    let given = Arguments::new(given, &["channel", "limit"])?;
    let channel = given.text("channel")?.unwrap_or_else(|| "#general".to_owned());
    let query =
        HistoryQuery { channel: channel_or_agent(&channel)?, limit: given.limit(50, 1000)?, ..HistoryQuery::default() };
    let page = backend.history(call, query).await?;
    let rows = render::old_rows(&page.messages);
    Ok(json!({"channel": channel, "messages": rows, "count": rows.len()}).to_string())
}

async fn old_channels<B: Backend>(backend: &B, call: &Call) -> Result<String, Fault> {
    let agents = backend.agents(call, false).await?;
    let mut names: Vec<&String> = agents.iter().flat_map(|agent| &agent.row.channels).collect();
    names.sort();
    names.dedup();
    Ok(json!({ "channels": names }).to_string())
}

fn timeout(given: &Arguments) -> Result<Duration, Fault> {
    let expected = "seconds, from 0 to 50";
    let seconds = given.number("timeout", expected)?.unwrap_or(WAIT_DEFAULT);
    if seconds < 0.0 {
        return Err(wrong("timeout", &seconds.into(), expected));
    }
    Ok(Duration::from_secs_f64(seconds.min(WAIT_MAX)))
}

/// `#channel` or `@agent`; a bare name could be either.
fn target(field: &str, text: &str) -> Result<String, Fault> {
    let text = text.trim();
    if text.starts_with(['#', '@']) {
        return Ok(text.to_owned());
    }
    let text = shown(text);
    Err(invalid(format!("{field} is {text}: write #name for a channel, or @name for an agent")))
}

/// As above; a bare name is a channel's.
fn channel_or_agent(text: &str) -> Result<String, Fault> {
    Ok(if text.trim().starts_with('@') { text.trim().to_owned() } else { channel_name(text) })
}

fn channel_name(text: &str) -> String {
    format!("#{}", text.trim().trim_start_matches('#'))
}

fn agent(text: &str) -> String {
    text.trim().trim_start_matches('@').to_owned()
}
