//! GET /api/overview, which the dashboard polls: all agents with what waits for them, who is stuck, and each channel's
//! newest message.

use std::ops::ControlFlow;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use orochi_protocol::limits::{HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX};
use orochi_protocol::reply::AgentRow;
use orochi_protocol::{AgentName, ErrorCode, Seq, Timestamp};
use serde::Serialize;

use crate::api::App;
use crate::api::dashboard::digest::Counts;
use crate::api::dashboard::stuck::{Lost, Stuck, lost, stuck};
use crate::api::errors::ApiError;
use crate::api::request::path::InPath;
use crate::api::request::query::Params;
use crate::api::rows::{RowForm, RowPage};
use crate::core::system_clock;
use crate::delivery::view::{self, Viewer};
use crate::markdown;
use crate::store::{self, ANSWER_TEXT_MAX, Excerpt, Reader, StoreError, TextRoom};

/// Messages read for one answer. The next answers reach further back, to find agents that have been silent for long.
const PIECE: u64 = 20_000;
/// The most offline agents in one answer. A hub may know thousands of names, and the dashboard shows 200.
pub(super) const AWAY_MAX: usize = 150;
/// Characters of last words.
const LAST_WORDS_CHARS: u32 = 200;

/// The answer of `GET /api/overview`.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    now: Timestamp,
    started: Timestamp,
    seq: Seq,
    /// The log's epoch. Another epoch means another log.
    epoch: String,
    /// Gitea's address; absent if the hub makes no calls to Gitea.
    #[serde(skip_serializing_if = "Option::is_none")]
    gitea: Option<String>,
    /// The hub's name; empty if it has none.
    name: String,
    /// The port for agents; 0 if the system chose it.
    agent_port: u16,
    agents: Vec<Agent>,
    /// The number of agents that are not listed because they left long ago.
    more: usize,
    channels: Vec<Channel>,
}

#[derive(Debug, Serialize)]
struct Channel {
    name: String,
    members: Vec<String>,
    /// Null if the channel has no message.
    last: Option<Last>,
}

/// A channel's newest message.
#[derive(Debug, Serialize)]
struct Last {
    seq: Seq,
    ts: Timestamp,
    sender: String,
}

#[derive(Debug, Serialize)]
struct Agent {
    #[serde(flatten)]
    row: AgentRow,
    /// The beginning of its current state; null if that is before the time for which states are kept.
    state_since: Option<Timestamp>,
    last_words: Option<LastWords>,
    waiting: Waiting,
    stuck: Option<Stuck>,
    /// Null unless the agent vanished in the middle of its work.
    lost: Option<Lost>,
}

/// Mentions and direct messages after the seq of [`dealt_with`].
#[derive(Debug, Serialize)]
struct Waiting {
    count: u32,
    oldest_seq: Option<Seq>,
    oldest_ts: Option<Timestamp>,
    /// The senders of the first few.
    from: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct LastWords {
    seq: Seq,
    ts: Timestamp,
    channel: String,
    content: String,
}

/// Lists all channels and the agents that matter, or only the agent in `?agent=`.
pub(crate) async fn show(State(app): State<App>, params: Params) -> Result<Json<Overview>, ApiError> {
    let (rows, more) = match params.agent("agent")? {
        Some(only) => (app.core.agent(only).await?.into_iter().collect(), 0),
        None => app.core.recent_agents(AWAY_MAX).await?,
    };
    let members = app.core.channels().await?;
    let (now, head, started) = (system_clock(), app.core.head(), app.started);
    let read = move |counts: &Counts, reader: &Reader| {
        let agents =
            rows.into_iter().map(|row| agent(row, counts, reader, (now, started))).collect::<Result<Vec<_>, _>>()?;
        let mut channels = Vec::with_capacity(members.len());
        for (name, members) in members {
            let newest = reader.newest_in(&name)?;
            let excerpt = newest.map(|seq| reader.excerpt(seq, 0)).transpose()?.flatten();
            let last = newest.zip(excerpt).map(|(seq, Excerpt { ts, sender, .. })| Last { seq, ts, sender });
            channels.push(Channel { name, members, last });
        }
        Ok((agents, channels))
    };
    let (agents, channels) = app.digest.ask(app.core.reads(), PIECE, (head, now), read).await?;
    let gitea = app.calls.gitea_address().map(ToOwned::to_owned);
    let epoch = app.core.epoch().to_owned();
    let (name, agent_port) = (app.name.to_string(), app.agent_port);
    Ok(Json(Overview { now, started, seq: app.core.head(), epoch, gitea, name, agent_port, agents, more, channels }))
}

fn agent(
    row: AgentRow,
    counts: &Counts,
    reader: &Reader,
    (now, started): (Timestamp, Timestamp),
) -> Result<Agent, StoreError> {
    let current = reader.current_state(&row.name)?;
    let waiting = reader.waiting(&row.name, dealt_with(&row, counts))?;
    let last_words = counts.newest_of(&row.name).map(|seq| last_words(reader, seq)).transpose()?.flatten();
    let state_since = current.as_ref().map(|current| current.since);
    let stuck = stuck(&row, &waiting, state_since, now);
    let lost = current.as_ref().filter(|_| !row.online).and_then(|current| lost(current, &row.status, now, started));
    let store::Waiting { count, oldest: oldest_seq, oldest_ts, from } = waiting;
    Ok(Agent { row, state_since, last_words, waiting: Waiting { count, oldest_seq, oldest_ts, from }, stuck, lost })
}

fn last_words(reader: &Reader, seq: Seq) -> Result<Option<LastWords>, StoreError> {
    let excerpt = reader.excerpt(seq, LAST_WORDS_CHARS)?;
    Ok(excerpt.map(|Excerpt { ts, place, sender, content }| {
        let channel = view::channel_seen(&place, &sender, Viewer::Observer).to_owned();
        LastWords { seq, ts, channel, content: markdown::to_line(&content) }
    }))
}

/// The seq up to which an agent has dealt with its messages. Agents that never report a cursor, such as those of
/// scitex-orochi 0.1.0, count as having read everything before their own newest message.
fn dealt_with(row: &AgentRow, counts: &Counts) -> Seq {
    row.cursor.or_else(|| counts.newest_of(&row.name)).unwrap_or_default()
}

/// GET /api/agents/{name}/waiting: mentions and direct messages that the agent has not dealt with, or those of them
/// `after` a seq, oldest first.
pub(crate) async fn waiting(
    State(app): State<App>,
    InPath(name): InPath<AgentName>,
    uri: Uri,
    params: Params,
) -> Result<RowPage, ApiError> {
    let after = params.seq("after")?.unwrap_or_default();
    let limit = params.whole("limit", 1..=HISTORY_LIMIT_MAX)?.unwrap_or(HISTORY_LIMIT_DEFAULT) as usize;
    let form = RowForm::for_observer(params.rendering()?);
    let Some(row) = app.core.agent(name.clone()).await? else {
        let detail = format!("no agent called {name} has ever registered");
        return Err(ApiError::new(ErrorCode::NotFound, detail));
    };
    let head = app.core.head();
    let read = move |counts: &Counts, reader: &Reader| {
        let after = after.max(dealt_with(&row, counts));
        let (mut rows, mut room) = (Vec::new(), TextRoom::new(ANSWER_TEXT_MAX));
        let (mut last, mut next) = (after, None);
        reader.addressed(name.as_str(), after, head, |message| {
            if !room.take(message) {
                next = Some(("after", last));
                return ControlFlow::Break(());
            }
            last = message.seq;
            rows.push(form.row(message));
            if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok((rows, next))
    };
    let (rows, next) = app.digest.ask(app.core.reads(), PIECE, (head, system_clock()), read).await?;
    Ok(RowPage::new(&uri, rows, next))
}
