//! The tools of a coding agent. Messages come from the resident's memory and go over its connection; queries about the
//! log go to the hub over HTTP.

use std::sync::Arc;
use std::time::Duration;

use orochi_client::{Client, Error};
use orochi_mcp::backend::{
    Agent, Awaited, Backend, Call, Channel, Doing, Fault, HistoryQuery, Inbox, Message, Outgoing, Page, SearchQuery,
    Sent, Wait,
};
use orochi_protocol::reply::AgentRow;
use orochi_protocol::request::StatusUpdate;
use orochi_protocol::{ErrorCode, Seq, fields};
use serde::Deserialize;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Resident;
use super::api::{Answer, Api};
use super::state::Shared;
use crate::identity::Kind;

/// The longest wait for the hub's answer on the connection.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// The longest wait for Gitea, which may be slow.
const GITEA_MAX: Duration = Duration::from_secs(45);
/// The most rows that the hub lists.
const ROWS_MAX: u32 = 1000;

impl Resident {
    /// Returns the state; a session's first call creates it.
    fn shared(&self, call: &Call) -> Result<&Arc<Shared>, Fault> {
        let kind = call.client.as_deref().map_or(Kind::Agent, Kind::of_client_info);
        let shared = self.start(kind)?;
        if let Some(thread) = &call.thread {
            shared.note_thread(thread);
        }
        Ok(shared)
    }

    async fn connected(&self, call: &Call) -> Result<(&Arc<Shared>, Client), Fault> {
        let shared = self.shared(call)?;
        Ok((shared, shared.connection().await?))
    }
}

impl Shared {
    fn api(&self, parts: &[&str]) -> Api<'_> {
        Api::new(&self.options.hub, parts)
    }

    /// A route of this agent.
    fn own_api(&self, what: &str) -> Api<'_> {
        self.api(&["api", "agents", self.name.as_str(), what])
    }

    /// Waits for the next message of others in a channel, since the first wait in it. The agent need not be in the
    /// channel.
    async fn overhear(&self, channel: &str, wait: &Wait) -> Result<Option<Message>, Fault> {
        let after = self.look(|state| state.overheard.get(channel).copied());
        let api = self.own_api("inbox").with("channel", channel).with("limit", 1).with("wait", wait.timeout.as_secs());
        let api = api.with_some("after", after).with_some("sender", wait.from.as_ref()).longer(wait.timeout);
        let Answer { body, .. } = api.get().await?;
        let found = body["messages"].get(0).and_then(Message::from_value);
        if let Some(seen) = found.as_ref().map(|found| found.seq).or_else(|| body["seq"].as_u64()) {
            self.look(|state| state.overheard.insert(channel.to_owned(), seen));
        }
        Ok(found)
    }
}

impl Backend for Resident {
    fn me(&self) -> Result<String, Fault> {
        match self.started() {
            Some(shared) => Ok(shared?.name.as_str().to_owned()),
            None => Err(Fault::refused(
                ErrorCode::InvalidName,
                "this session has no name yet: its client has not said what it is",
            )),
        }
    }

    fn introduced(&self, client: &str) {
        // If no name can be claimed, each tool reports the error.
        let _ = self.start(Kind::of_client_info(client));
    }

    async fn send(&self, call: &Call, message: Outgoing) -> Result<Sent, Fault> {
        let (shared, client) = self.connected(call).await?;
        let reply_to = message.reply_to.map(|seq| place("reply_to", seq)).transpose()?;
        let attempt = self.unacked.begin(&message);
        let intent = message.intent.map(|intent| json!({ "intent": intent.as_str() }));
        let sent = client.send(orochi_client::Outgoing {
            channel: message.to,
            content: message.text,
            metadata: intent.and_then(|intent| to_raw_value(&intent).ok()),
            reply_to,
            id: Some(attempt.id.clone()),
        });
        let receipt = match timeout(ANSWER_MAX, sent).await {
            Ok(Ok(receipt)) => receipt,
            Ok(Err(error)) => {
                let fault = fault(shared, &error);
                if !matches!(error, Error::Refused { .. } | Error::Invalid(_) | Error::OldHub { .. }) {
                    return Err(unsure(&fault));
                }
                attempt.answered();
                return Err(fault);
            }
            Err(_) => return Err(unsure(&shared.away())),
        };
        attempt.answered();
        if let Some(seq) = reply_to {
            shared.with(|state, _| state.machine.answered(seq.get()));
        }
        let seq = receipt.seq.map_or(0, Seq::get);
        Ok(Sent { seq, delivery: receipt.delivery, reach: receipt.reach, is_duplicate: receipt.duplicate })
    }

    async fn seen(&self, call: &Call, seq: u64) -> Result<(), Fault> {
        let shared = self.shared(call)?;
        let upto = place("seen", seq)?;
        if shared.look(|state| seq > state.machine.head()) {
            // Not received here: only the hub knows if there is such a message.
            shared.own_api("seen").post(&json!({ "seq": upto })).await?;
        }
        shared.with(|state, _| state.machine.seen_up_to(seq));
        Ok(())
    }

    async fn inbox(&self, call: &Call, limit: usize) -> Result<Inbox, Fault> {
        let shared = self.shared(call)?;
        let client = shared.connection().await;
        if let Ok(client) = &client {
            shared.settle(client).await;
        }
        let (messages, more) = shared.look(|state| {
            let messages: Vec<Message> = state.machine.waiting().take(limit).cloned().collect();
            let more = (state.machine.waiting().count() - messages.len()) as u64;
            state.note_returned(messages.iter().map(|message| message.seq));
            // Without more room, more may be in the log.
            (messages, state.machine.has_room().then_some(more))
        });
        if messages.is_empty() {
            client?;
        }
        Ok(Inbox { messages, more })
    }

    async fn wait(&self, call: &Call, wait: Wait) -> Result<Option<Message>, Fault> {
        let shared = self.shared(call)?;
        if let Some(channel) = &wait.channel {
            return shared.overhear(channel, &wait).await;
        }
        let is_wanted = |message: &Message, was_returned: bool| {
            !was_returned && wait.from.as_ref().is_none_or(|from| *from == message.sender)
        };
        let found = shared.next(wait.timeout, is_wanted).await?;
        if found.is_none() && !shared.look(|state| state.machine.has_room()) {
            let detail = "the inbox is full: newer messages come when inbox(seen=…) has said which are dealt with";
            return Err(Fault::new("INBOX_FULL", detail));
        }
        Ok(found)
    }

    async fn answer(&self, call: &Call, awaited: Awaited) -> Result<Option<Message>, Fault> {
        let is_answer = |message: &Message, _: bool| {
            message.seq > awaited.seq
                && message.sender == awaited.agent
                && message.reply_to.is_none_or(|seq| seq == awaited.seq)
        };
        self.shared(call)?.next(awaited.timeout, is_answer).await
    }

    async fn agents(&self, call: &Call, all: bool) -> Result<Vec<Agent>, Fault> {
        // Connected first, so that this agent is among them.
        let (shared, _) = self.connected(call).await?;
        let Answer { body, .. } = shared.api(&["api", "overview"]).get().await?;
        let rows = body["agents"].as_array().into_iter().flatten();
        let agents = rows.filter_map(|value| {
            let row = AgentRow::deserialize(value).ok()?;
            let since = value["state_since"].as_str().map(ToOwned::to_owned);
            // For an agent that never reports what it has read, the number has no meaning.
            let unread =
                row.cursor.and_then(|_| value["waiting"]["count"].as_u64()).and_then(|n| u32::try_from(n).ok());
            Some(Agent { row, since, unread })
        });
        Ok(agents.filter(|agent| all || agent.row.online).collect())
    }

    async fn status(&self, call: &Call, doing: Doing) -> Result<(), Fault> {
        let (shared, client) = self.connected(call).await?;
        let Doing { status, task, progress } = doing;
        let update = StatusUpdate {
            status: Some(status),
            current_task: task.clone(),
            progress: progress.map(Some),
            ..StatusUpdate::default()
        };
        in_time(shared, client.status(&update)).await?;
        if task.is_some() {
            shared.look(|state| state.own_task = task);
        }
        Ok(())
    }

    async fn history(&self, call: &Call, query: HistoryQuery) -> Result<Page, Fault> {
        let shared = self.shared(call)?;
        let is_forward = query.after.is_some();
        let limit = query.limit as usize;
        let api = shared.api(&["api", "history", &query.channel]);
        let api = api.with("agent", shared.name.as_str()).with("limit", (query.limit + 1).min(ROWS_MAX));
        let api = api.with("order", if is_forward { "asc" } else { "desc" });
        let api = api.with_some("before", query.before).with_some("after", query.after);
        let Answer { body, has_more } = api.with_some("reply_to", query.thread).get().await?;
        let mut messages = rows(&body);
        let more = has_more || messages.len() > limit;
        messages.truncate(limit);
        if !is_forward {
            messages.reverse();
        }
        if let Some(seq) = query.thread {
            let first = shared.api(&["api", "messages", &seq.to_string()]).get().await;
            let first = first.ok().and_then(|answer| Message::from_value(&answer.body));
            if let Some(first) = first.and_then(|first| seen_by(shared.name.as_str(), first))
                && first.channel == query.channel
            {
                messages.insert(0, first);
            }
        }
        Ok(Page { messages, more })
    }

    async fn search(&self, call: &Call, query: SearchQuery) -> Result<Page, Fault> {
        let shared = self.shared(call)?;
        let SearchQuery { words, channel, from, since, limit } = query;
        let api = shared.api(&["api", "search"]).with("q", words).with("agent", shared.name.as_str());
        let api = api.with("limit", limit).with_some("channel", channel).with_some("sender", from);
        let Answer { body, has_more } = api.with_some("since", since).get().await?;
        Ok(Page { messages: rows(&body), more: has_more })
    }

    async fn channels(&self, call: &Call) -> Result<Vec<Channel>, Fault> {
        // Connected first, so that the channels of the command line are joined.
        let (shared, _) = self.connected(call).await?;
        let kept = shared.own_api("channels").get().await?.body;
        let kept: Vec<String> = Vec::deserialize(kept).unwrap_or_default();
        let overview = shared.api(&["api", "overview"]).with("agent", shared.name.as_str()).get().await?.body;
        let channels = overview["channels"].as_array().into_iter().flatten().filter_map(|value| {
            let name = value["name"].as_str()?.to_owned();
            let members = Vec::deserialize(&value["members"]).unwrap_or_default();
            let text = |field: &str| value["last"][field].as_str().map(ToOwned::to_owned);
            let joined = kept.contains(&name);
            Some(Channel { name, members, joined, last: text("sender").zip(text("ts")) })
        });
        Ok(channels.collect())
    }

    async fn join(&self, call: &Call, channel: String) -> Result<(), Fault> {
        let (shared, client) = self.connected(call).await?;
        in_time(shared, client.subscribe(&channel)).await
    }

    async fn leave(&self, call: &Call, channel: String) -> Result<(), Fault> {
        let (shared, client) = self.connected(call).await?;
        in_time(shared, client.unsubscribe(&channel)).await
    }

    async fn gitea(&self, call: &Call, action: String, params: Value) -> Result<Value, Fault> {
        let (shared, client) = self.connected(call).await?;
        let payload = json!({ "action": action, "params": params });
        let asked = timeout(GITEA_MAX, client.request("gitea", &payload)).await;
        let answer = asked.map_err(|_| shared.away())?.map_err(|error| fault(shared, &error))?;
        let mut body: Value = answer.data.and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default();
        Ok(body["result"].take())
    }
}

fn rows(body: &Value) -> Vec<Message> {
    body.as_array().into_iter().flatten().filter_map(Message::from_value).collect()
}

/// Converts a row that was read as an observer into the view of one side of the conversation; None for everybody else.
fn seen_by(name: &str, mut message: Message) -> Option<Message> {
    if let Some(receiver) = message.channel.strip_prefix('@')
        && message.sender != name
    {
        if receiver != name {
            return None;
        }
        message.channel = format!("@{}", message.sender);
    }
    Some(message)
}

fn place(name: &str, seq: u64) -> Result<Seq, Fault> {
    let seen = seq.to_string();
    Seq::new(seq).ok_or_else(|| fields::invalid(name, "the seq of a message", &seen).into())
}

async fn in_time(shared: &Shared, asked: impl Future<Output = Result<(), Error>>) -> Result<(), Fault> {
    let asked = timeout(ANSWER_MAX, asked).await;
    asked.map_err(|_| shared.away())?.map_err(|error| fault(shared, &error))
}

/// Converts a client's error into a tool's.
fn fault(shared: &Shared, error: &Error) -> Fault {
    match error {
        Error::Refused { code, detail, .. } => Fault::new(code.as_str(), detail.clone()),
        Error::Invalid(refusal) => Fault::from(refusal.clone()),
        Error::OldHub { .. } => Fault::refused(ErrorCode::UnknownType, error.to_string()),
        Error::AuthFailed { .. } | Error::Unreachable { .. } | Error::ConnectionLost { .. } | Error::Closed => {
            shared.away()
        }
    }
}

/// The error of a send without an answer.
fn unsure(fault: &Fault) -> Fault {
    let detail = format!("{}. The message may have arrived: the same call again sends it once", fault.detail);
    Fault::new(&fault.code, detail)
}
