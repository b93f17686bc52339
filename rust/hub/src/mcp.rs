//! MCP's tools in the hub: answers their requests from the core and the log. [`orochi_mcp`] defines the tools.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use orochi_mcp::backend::{
    self, Agent, Awaited, Backend, Call, Channel, Doing, Fault, HistoryQuery, Inbox, Outgoing, Page, SearchQuery, Sent,
    Wait,
};
use orochi_protocol::request::{Draft, HistoryFilter, Order, StatusUpdate};
use orochi_protocol::{AgentName, ChannelName, Seq, Target, fields};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::clock::new_id;
use crate::core::{Core, NamedAction, unavailable};
use crate::delivery::view::{self, Viewer};
use crate::gitea::Action;
use crate::gitea::once::{Asked, Calls, RequestDigest};
use crate::mailbox::{Presence, Waiting, Wanted};
use crate::search::{self, Query};
use crate::store::{Lane, Message, Place, Reader, StoreError};

/// The most agents whose status and unread messages are looked up.
const AGENTS_MAX: usize = 500;
/// The most returned messages that are remembered for an agent. An older one may be returned again.
const RETURNED_MAX: usize = 1000;
/// The most agents that are remembered. Beyond it all are forgotten, and a `wait` may return a message again.
const REMEMBERED_MAX: usize = 10_000;

/// The messages that `wait` and `inbox` have returned to each agent. HTTP has no sessions, so an agent is one reader.
#[derive(Debug, Clone, Default)]
pub(crate) struct Returned(Arc<Mutex<HashMap<AgentName, ReturnedTo>>>);

/// The messages returned to one agent.
#[derive(Debug, Default)]
struct ReturnedTo {
    seqs: BTreeSet<Seq>,
    /// For each channel that it waits in, the seq up to which messages were searched.
    channels: HashMap<Target, Seq>,
}

impl Returned {
    fn with<T>(&self, agent: &AgentName, change: impl FnOnce(&mut ReturnedTo) -> T) -> T {
        let mut agents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if agents.len() >= REMEMBERED_MAX && !agents.contains_key(agent) {
            agents.clear();
        }
        change(agents.entry(agent.clone()).or_default())
    }

    fn note(&self, agent: &AgentName, seqs: impl Iterator<Item = Seq>) {
        self.with(agent, |to| {
            to.seqs.extend(seqs);
            while to.seqs.len() > RETURNED_MAX {
                to.seqs.pop_first();
            }
        });
    }
}

/// The hub as one agent sees it over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    pub core: Core,
    /// Makes calls to Gitea.
    pub calls: Calls,
    /// The messages returned to each agent.
    pub returned: Returned,
    /// The requesting agent; None if the request names none.
    pub name: Option<AgentName>,
}

impl Tools {
    fn name(&self) -> Result<&AgentName, Fault> {
        self.name.as_ref().ok_or_else(needs_name)
    }

    fn messages(&self, messages: &[Message]) -> Vec<backend::Message> {
        let viewer = self.name.as_ref().map_or(Viewer::Observer, |name| Viewer::Agent(name.as_str()));
        let rows = messages.iter().map(|message| view::row(message, viewer, None));
        rows.filter_map(|row| backend::Message::from_row(row.get())).collect()
    }

    fn place(&self, target: &Target) -> Result<Place, Fault> {
        Place::of(target, self.name.as_ref().map(AgentName::as_str)).ok_or_else(needs_name)
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Fault> {
        Ok(self.core.reads().run(read).await.map_err(|error| unavailable(&error))?)
    }

    async fn named(&self, action: NamedAction) -> Result<(), Fault> {
        Ok(self.core.named(self.name()?.clone(), action).await?)
    }
}

impl Backend for Tools {
    fn me(&self) -> Result<String, Fault> {
        self.name().map(ToString::to_string)
    }

    fn introduced(&self, _client: &str) {}

    async fn send(&self, _call: &Call, message: Outgoing) -> Result<Sent, Fault> {
        let name = self.name()?.clone();
        let Outgoing { to, text, reply_to, intent } = message;
        let metadata = intent.map(|intent| serde_json::json!({ "intent": intent.as_str() }));
        let body = serde_json::json!({
            "channel": to, "content": text, "metadata": metadata, "reply_to": reply_to,
        });
        let body = body.to_string();
        let fields: fields::Fields<'_> = serde_json::from_str(&body).map_err(|error| fault(&error))?;
        let draft = Draft::from_body(&fields, &[])?;
        if let Some(seq) = draft.reply_to {
            self.core.check_reply_to(&name, seq).await?;
        }
        let accepted = self.core.post(name, new_id(), draft).await?;
        let is_duplicate = accepted.duplicate;
        Ok(Sent { seq: accepted.seq.get(), delivery: accepted.delivery, reach: accepted.reach, is_duplicate })
    }

    async fn seen(&self, _call: &Call, seq: u64) -> Result<(), Fault> {
        self.named(NamedAction::Seen(parse_seq("seen", seq)?)).await
    }

    async fn inbox(&self, _call: &Call, limit: usize) -> Result<Inbox, Fault> {
        let name = self.name()?;
        let found = Wanted::inbox(name.clone(), limit).look(&self.core).await?;
        self.returned.note(name, found.messages.iter().map(|message| message.seq));
        let after = found.messages.last().map(|last| last.seq);
        let (name, more) = (name.to_string(), found.more);
        let behind = match after.filter(|_| more) {
            Some(after) => Some(u64::from(self.read(move |reader| reader.waiting(&name, after)).await?.count)),
            None => Some(0),
        };
        Ok(Inbox { messages: self.messages(&found.messages), more: behind })
    }

    async fn wait(&self, _call: &Call, wait: Wait) -> Result<Option<backend::Message>, Fault> {
        let name = self.name()?;
        let channel = wait.channel.as_deref().map(Target::parse).transpose()?;
        let sender = wait.from.as_deref().map(AgentName::parse).transpose()?;
        let head = self.core.head();
        let (skip, after) = self.returned.with(name, |to| {
            // A channel's messages count from the first wait in it, including those between two waits.
            let after = channel.as_ref().map(|channel| *to.channels.entry(channel.clone()).or_insert(head));
            (to.seqs.clone(), after)
        });
        let wanted = Wanted { name: name.clone(), after, skip, sender, channel: channel.clone(), limit: 1 };
        let found: Waiting = wanted.wait(&self.core, wait.timeout, Presence::Shown).await?;
        let Some(first) = found.messages.first() else { return Ok(None) };
        self.returned.note(name, std::iter::once(first.seq));
        Ok(self.messages(std::slice::from_ref(first)).pop())
    }

    async fn answer(&self, _call: &Call, awaited: Awaited) -> Result<Option<backend::Message>, Fault> {
        let (name, sender) = (self.name()?, AgentName::parse(&awaited.agent)?);
        let deadline = tokio::time::Instant::now() + awaited.timeout;
        let mut after = parse_seq("seq", awaited.seq)?;
        loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            let mut wanted = Wanted::inbox(name.clone(), 1);
            (wanted.after, wanted.sender) = (Some(after), Some(sender.clone()));
            let found = wanted.wait(&self.core, left, Presence::Shown).await?;
            let Some(first) = found.messages.first() else { return Ok(None) };
            if first.reply_to.is_none_or(|seq| seq.get() == awaited.seq) {
                self.returned.note(name, std::iter::once(first.seq));
                return Ok(self.messages(std::slice::from_ref(first)).pop());
            }
            after = first.seq;
        }
    }

    async fn agents(&self, _call: &Call, all: bool) -> Result<Vec<Agent>, Fault> {
        let rows = self.core.agents(all).await?;
        let agents = self.read(move |reader| {
            let agent = |(at, row): (usize, orochi_protocol::reply::AgentRow)| {
                if at >= AGENTS_MAX {
                    return Ok(Agent { row, since: None, unread: None });
                }
                let since = reader.current_state(&row.name)?.map(|current| current.since.to_string());
                // For an agent that never reports what it has read, the number has no meaning.
                let unread = row.cursor.map(|cursor| reader.waiting(&row.name, cursor)).transpose()?;
                Ok(Agent { row, since, unread: unread.map(|waiting| waiting.count) })
            };
            rows.into_iter().enumerate().map(agent).collect::<Result<Vec<_>, StoreError>>()
        });
        agents.await
    }

    async fn status(&self, _call: &Call, doing: Doing) -> Result<(), Fault> {
        let Doing { status, task, progress } = doing;
        let body = match progress {
            Some(progress) => serde_json::json!({"status": status, "current_task": task, "progress": progress}),
            None => serde_json::json!({"status": status, "current_task": task}),
        };
        let body = body.to_string();
        let fields: fields::Fields<'_> = serde_json::from_str(&body).map_err(|error| fault(&error))?;
        let update = StatusUpdate::from_fields(&fields)?;
        self.named(NamedAction::Status(Box::new(update))).await
    }

    async fn history(&self, _call: &Call, query: HistoryQuery) -> Result<Page, Fault> {
        let place = self.place(&Target::parse(&query.channel)?)?;
        let seq = |name: &str, seq: Option<u64>| seq.map(|seq| parse_seq(name, seq)).transpose();
        let order = if query.after.is_some() { Order::Asc } else { Order::Desc };
        let filter = HistoryFilter {
            before: seq("before", query.before)?,
            after: seq("after", query.after)?,
            reply_to: seq("thread", query.thread)?,
            limit: query.limit + 1,
            order,
            ..HistoryFilter::default()
        };
        let (thread, limit) = (filter.reply_to, query.limit as usize);
        self.core.barrier().await?;
        let (lane, bytes) = (Lane::for_history(&filter), orochi_protocol::paging::ENTRIES_BYTES_MAX);
        let read = self.core.reads().run_in(lane, move |reader| {
            let (messages, is_cut) = reader.history_within(&place, &filter, bytes)?;
            let first = thread.map(|seq| reader.message(seq)).transpose()?.flatten();
            Ok((messages, is_cut, first.filter(|first| first.place == place)))
        });
        let (mut messages, is_cut, first) = read.await.map_err(|error| unavailable(&error))?;
        let more = is_cut || messages.len() > limit;
        messages.truncate(limit);
        if order == Order::Desc {
            messages.reverse();
        }
        if let Some(first) = first {
            messages.insert(0, first);
        }
        Ok(Page { messages: self.messages(&messages), more })
    }

    async fn search(&self, _call: &Call, query: SearchQuery) -> Result<Page, Fault> {
        let words = Query::parse("words", &query.words)?;
        words.check_asker("your name", self.name.as_ref())?;
        let channel = query.channel.as_deref().map(Target::parse).transpose()?;
        let request = search::Request {
            query: words,
            place: channel.map(|channel| self.place(&channel)).transpose()?,
            sender: query.from.as_deref().map(AgentName::parse).transpose()?,
            since: query.since.as_deref().map(|since| fields::parse_time("since", since)).transpose()?,
            agent: self.name.clone(),
            limit: query.limit,
            ..search::Request::default()
        };
        let found = self.core.search(request).await?;
        let hits = found.hits.iter().filter_map(|hit| {
            let mut message = self.messages(std::slice::from_ref(&hit.message)).pop()?;
            message.snippet = Some(hit.snippet.clone());
            Some(message)
        });
        Ok(Page { messages: hits.collect(), more: found.next.is_some() })
    }

    async fn channels(&self, _call: &Call) -> Result<Vec<Channel>, Fault> {
        let members = self.core.channels().await?;
        let kept = match &self.name {
            Some(name) => self.core.kept_channels(name.to_string()).await?,
            None => Vec::new(),
        };
        let channels = self.read(move |reader| {
            let channel = |(name, members): (String, Vec<String>)| {
                let newest = reader.newest_in(&name)?;
                let excerpt = newest.map(|seq| reader.excerpt(seq, 0)).transpose()?.flatten();
                let last = excerpt.map(|excerpt| (excerpt.sender, excerpt.ts.to_string()));
                let joined = kept.contains(&name);
                Ok(Channel { name, members, joined, last })
            };
            members.into_iter().map(channel).collect::<Result<Vec<_>, StoreError>>()
        });
        channels.await
    }

    async fn join(&self, _call: &Call, channel: String) -> Result<(), Fault> {
        self.named(NamedAction::Join(ChannelName::parse(&channel)?)).await
    }

    async fn leave(&self, _call: &Call, channel: String) -> Result<(), Fault> {
        self.named(NamedAction::Leave(ChannelName::parse(&channel)?)).await
    }

    async fn gitea(&self, _call: &Call, action: String, params: Value) -> Result<Value, Fault> {
        let params = RawValue::from_string(params.to_string()).map_err(|error| fault(&error))?;
        let parsed = Action::parse(&action, &params)?;
        let request = RequestDigest::new(&action, params.get().as_bytes());
        let asked = Asked { asker: self.name.clone(), id: Some(new_id()), request, action: parsed };
        let answer = self.calls.call(asked).await.map_err(|failure| Fault::from(failure.refusal))?;
        serde_json::from_str(answer.get()).map_err(|error| fault(&error))
    }
}

fn needs_name() -> Fault {
    let detail = "this needs your agent's name: use the address /mcp/NAME, or send it in the header X-Orochi-Agent";
    Fault::new("MISSING_FIELD", detail)
}

fn parse_seq(name: &str, seq: u64) -> Result<Seq, Fault> {
    let seen = seq.to_string();
    Seq::new(seq).ok_or_else(|| fields::invalid(name, "the seq of a message", &seen).into())
}

fn fault(error: &serde_json::Error) -> Fault {
    Fault::new("INVALID_FIELD", error.to_string())
}
