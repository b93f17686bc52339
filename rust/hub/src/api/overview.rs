//! GET /api/overview: all agents with what waits for them, who is stuck, and where something was said last; what the
//! dashboard keeps asking for.

use std::collections::HashMap;
use std::ops::ControlFlow;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use orochi_protocol::limits::{HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX};
use orochi_protocol::reply::AgentRow;
use orochi_protocol::{AgentName, ErrorCode, Seq, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use super::App;
use super::errors::ApiError;
use super::params::Params;
use crate::core::system_clock;
use crate::store;
use crate::view::{self, Viewer, channel_seen};

/// Seconds after which a busy agent without a sign of life, or one that leaves mentions unread, is stuck.
const STUCK_SECONDS: i64 = 5 * 60;
/// Newest messages in which agents' last words are looked for.
const LAST_WORDS_WITHIN: u32 = 1000;
/// Characters of last words.
const LAST_WORDS_CHARS: usize = 200;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Overview {
    now: Timestamp,
    seq: Seq,
    /// Gitea's address, where the hub may ask it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gitea: Option<String>,
    agents: Vec<Agent>,
    channels: Vec<Channel>,
}

#[derive(Debug, Serialize)]
struct Channel {
    name: String,
    members: Vec<String>,
    /// Null where nothing was said in it yet.
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
    /// Since when it is in its state; null where that is longer ago than states are kept.
    state_since: Option<Timestamp>,
    last_words: Option<LastWords>,
    waiting: Waiting,
    stuck: Option<Stuck>,
}

/// Mentions and direct messages after the agent's cursor.
#[derive(Debug, Serialize)]
struct Waiting {
    count: u32,
    oldest_seq: Option<Seq>,
    oldest_ts: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize)]
struct LastWords {
    seq: Seq,
    ts: Timestamp,
    channel: String,
    content: String,
}

/// Why an agent is taken for stuck, for a person to read.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Stuck {
    /// `silent` or `waiting`.
    reason: &'static str,
    detail: String,
    since: Timestamp,
}

/// All agents and all channels, by name.
pub async fn show(State(app): State<App>, _params: Params) -> Result<Json<Overview>, ApiError> {
    let rows = app.core.agents(true).await?;
    let members = app.core.channels().await?;
    let asked: Vec<(String, Seq)> = rows.iter().map(|row| (row.name.clone(), row.cursor.unwrap_or_default())).collect();
    let read = app.core.reads().run(move |reader| {
        let waiting: Vec<store::Waiting> =
            asked.iter().map(|(agent, after)| reader.waiting(agent, *after)).collect::<Result<_, _>>()?;
        let since: Vec<Option<Timestamp>> =
            asked.iter().map(|(agent, _)| reader.state_since(agent)).collect::<Result<_, _>>()?;
        let mut words = HashMap::new();
        for message in reader.recent(LAST_WORDS_WITHIN)? {
            let channel = channel_seen(&message, Viewer::Observer).into_owned();
            let content = message.content.chars().take(LAST_WORDS_CHARS).collect();
            words.insert(message.sender, LastWords { seq: message.seq, ts: message.ts, channel, content });
        }
        let mut channels = Vec::with_capacity(members.len());
        for (name, members) in members {
            let newest = reader.newest_in(&name)?;
            let last = newest.map(|newest| Last { seq: newest.seq, ts: newest.ts, sender: newest.sender });
            channels.push(Channel { name, members, last });
        }
        Ok((waiting, since, words, channels))
    });
    let (waiting, since, mut words, channels) = read.await?;
    let now = system_clock();
    let agents = rows.into_iter().zip(waiting).zip(since).map(|((row, waiting), state_since)| {
        let waiting = Waiting { count: waiting.count, oldest_seq: waiting.oldest, oldest_ts: waiting.oldest_ts };
        let stuck = stuck(&row, &waiting, now);
        Agent { last_words: words.remove(&row.name), state_since, stuck, waiting, row }
    });
    let gitea = app.calls.gitea_address().map(ToOwned::to_owned);
    Ok(Json(Overview { now, seq: app.core.head(), gitea, agents: agents.collect(), channels }))
}

/// GET /api/agents/{name}/waiting: mentions and direct messages after the agent's cursor, oldest first.
pub async fn waiting(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<Vec<Box<RawValue>>>, ApiError> {
    let name = AgentName::parse(&path?.0)?;
    let limit = params.whole("limit", 1..=HISTORY_LIMIT_MAX)?.unwrap_or(HISTORY_LIMIT_DEFAULT) as usize;
    let rendering = params.rendering()?;
    let rows = app.core.agents(true).await?;
    let Some(row) = rows.into_iter().find(|row| row.name == name.as_str()) else {
        let detail = format!("no agent called {name} has ever registered");
        return Err(ApiError::new(ErrorCode::NotFound, detail));
    };
    let (after, head) = (row.cursor.unwrap_or_default(), app.core.head());
    let read = app.core.reads().run(move |reader| {
        let mut rows = Vec::new();
        reader.addressed(name.as_str(), after, head, |message| {
            rows.push(rendering.row(view::row(message, Viewer::Observer, None), &message.content));
            if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(rows)
    });
    Ok(Json(read.await?))
}

fn stuck(row: &AgentRow, waiting: &Waiting, now: Timestamp) -> Option<Stuck> {
    let seconds = |since: Timestamp| (now.as_micros() - since.as_micros()) / 1_000_000;
    let silent_for = seconds(row.last_heartbeat);
    if row.online && row.status == "busy" && silent_for >= STUCK_SECONDS {
        let detail = format!("busy, and no sign of life for {} min", silent_for / 60);
        return Some(Stuck { reason: "silent", detail, since: row.last_heartbeat });
    }
    // An agent that never says what it has dealt with leaves nothing unread that one could tell.
    let oldest = waiting.oldest_ts.filter(|_| row.cursor.is_some())?;
    let waited = seconds(oldest);
    (waited >= STUCK_SECONDS).then(|| {
        let detail = format!("{} unread, the oldest for {} min", waiting.count, waited / 60);
        Stuck { reason: "waiting", detail, since: oldest }
    })
}
