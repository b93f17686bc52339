//! GET /api/stats/timeline and /api/stats/matrix: how much was said lately, where, and who spoke to whom.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use axum::Json;
use axum::extract::State;
use orochi_protocol::fields::invalid;
use orochi_protocol::names::shown;
use orochi_protocol::{Refusal, Seq, Timestamp};
use serde::Serialize;

use super::App;
use super::errors::ApiError;
use super::params::Params;
use crate::core::system_clock;
use crate::store::{StoredMessage, conversation_partner};

/// Newest messages that one answer is made of: a hub that says thousands a second fills it in a minute.
const MESSAGES_MAX: u64 = 50_000;
/// Under this name stands what is said between two agents.
const DIRECT: &str = "direct";

/// How far back, and in how many pieces.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// How far back.
    pub seconds: i64,
    buckets: usize,
}

/// Messages by time and channel.
#[derive(Debug, Serialize)]
pub struct Timeline {
    since: Timestamp,
    until: Timestamp,
    bucket_seconds: i64,
    /// From here on it is all there; before it there is more than was looked at.
    complete_since: Timestamp,
    /// For each channel as many counts as there are buckets.
    channels: BTreeMap<String, Vec<u32>>,
}

/// How often one agent mentioned another or wrote to it.
#[derive(Debug, Serialize)]
pub struct Pair {
    from: String,
    to: String,
    count: u32,
}

/// What is counted of a message.
struct Said {
    ts: Timestamp,
    channel: String,
    sender: String,
    /// Whom it mentions, or is written to.
    to: Vec<String>,
}

/// Messages a minute of the last hour, or `?window=day`: a half hour of the last day.
pub async fn timeline(State(app): State<App>, params: Params) -> Result<Json<Timeline>, ApiError> {
    let window = window(&params)?;
    let (since, until, complete_since, said) = lately(&app, window).await?;
    let bucket_seconds = window.seconds / window.buckets as i64;
    let mut channels: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for one in said {
        let bucket = (one.ts.as_micros() - since.as_micros()) / (bucket_seconds * 1_000_000);
        let bucket = usize::try_from(bucket).unwrap_or(0).min(window.buckets - 1);
        channels.entry(one.channel).or_insert_with(|| vec![0; window.buckets])[bucket] += 1;
    }
    Ok(Json(Timeline { since, until, bucket_seconds, complete_since, channels }))
}

/// Who spoke to whom in the last hour, or `?window=day`.
pub async fn matrix(State(app): State<App>, params: Params) -> Result<Json<Vec<Pair>>, ApiError> {
    let (.., said) = lately(&app, window(&params)?).await?;
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for one in said {
        for to in one.to {
            *counts.entry((one.sender.clone(), to)).or_default() += 1;
        }
    }
    Ok(Json(counts.into_iter().map(|((from, to), count)| Pair { from, to, count }).collect()))
}

/// The window's beginning and end, from where on it is all there, and what was said in it.
async fn lately(app: &App, window: Window) -> Result<(Timestamp, Timestamp, Timestamp, Vec<Said>), ApiError> {
    let until = system_clock();
    let since = Timestamp::from_micros(until.as_micros() - window.seconds * 1_000_000);
    let head = app.core.head();
    let after = Seq::new(head.get().saturating_sub(MESSAGES_MAX)).unwrap_or_default();
    let read = app.core.reads().run(move |reader| {
        let (mut said, mut first) = (Vec::new(), None);
        reader.scan(after, head, |message| {
            first.get_or_insert(message.ts);
            if message.ts >= since {
                said.push(counted(message));
            }
            ControlFlow::Continue(())
        })?;
        Ok((first, said))
    });
    let (first, said) = read.await?;
    let is_cut = after > Seq::ZERO;
    let complete_since = first.filter(|first| is_cut && *first > since).unwrap_or(since);
    Ok((since, until, complete_since, said))
}

fn counted(message: &StoredMessage) -> Said {
    let partner = conversation_partner(&message.channel, &message.sender);
    let to = match partner {
        Some(partner) => vec![partner.to_owned()],
        None => serde_json::from_str(&message.mentions).unwrap_or_default(),
    };
    let channel = if partner.is_some() { DIRECT.to_owned() } else { message.channel.clone() };
    Said { ts: message.ts, channel, sender: message.sender.clone(), to }
}

/// What `?window=` says.
///
/// # Errors
/// `INVALID_FIELD` for anything but hour and day.
pub fn window(params: &Params) -> Result<Window, Refusal> {
    match params.text("window")?.as_deref() {
        None | Some("hour") => Ok(Window { seconds: 3600, buckets: 60 }),
        Some("day") => Ok(Window { seconds: 24 * 3600, buckets: 48 }),
        Some(other) => Err(invalid("window", "hour or day", &shown(other))),
    }
}
