//! GET /api/stats/timeline and /api/stats/matrix: recent messages by time and channel, and who wrote to whom.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use orochi_protocol::fields::invalid;
use orochi_protocol::names::shown;
use orochi_protocol::{Refusal, Timestamp};
use serde::Serialize;

use crate::api::App;
use crate::api::dashboard::digest::{Counts, Window};
use crate::api::errors::ApiError;
use crate::api::request::query::Params;
use crate::core::system_clock;

/// Messages read for one answer: about a quarter of a second. If the window holds more, the next answers reach further
/// back.
const PIECE: u64 = 250_000;

/// Messages by time and channel.
#[derive(Debug, Serialize)]
pub(crate) struct MessagesByTime {
    since: Timestamp,
    until: Timestamp,
    bucket_seconds: i64,
    /// Counts are complete from this time on.
    complete_since: Timestamp,
    /// For each channel as many counts as there are buckets.
    channels: BTreeMap<String, Vec<u32>>,
}

/// The number of times that one agent mentioned another or wrote to it.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    from: String,
    to: String,
    count: u32,
}

/// Messages for each minute of the last hour, or for each half hour of the last day (`?window=day`).
pub(crate) async fn messages_by_time(State(app): State<App>, params: Params) -> Result<Json<MessagesByTime>, ApiError> {
    let window = window(&params)?;
    let now = system_clock();
    let answer = move |counts: &Counts, _: &_| Ok(by_channel(counts, window, now));
    Ok(Json(app.digest.ask(app.core.reads(), PIECE, (app.core.head(), now), answer).await?))
}

/// Senders and receivers of the last hour, or of the last day (`?window=day`).
pub(crate) async fn matrix(State(app): State<App>, params: Params) -> Result<Json<Vec<Pair>>, ApiError> {
    let window = window(&params)?;
    let answer = move |counts: &Counts, _: &_| Ok(pairs(counts, window));
    Ok(Json(app.digest.ask(app.core.reads(), PIECE, (app.core.head(), system_clock()), answer).await?))
}

fn by_channel(counts: &Counts, window: Window, now: Timestamp) -> MessagesByTime {
    let since = window.since(now);
    let first = window.bucket_of(since);
    let mut channels: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (bucket, said) in counts.buckets(window) {
        // If the log's clock is ahead of the system's, later times count as now.
        let at = usize::try_from(bucket - first).unwrap_or(0).min(window.buckets() - 1);
        for (channel, count) in &said.channels {
            channels.entry(channel.clone()).or_insert_with(|| vec![0; window.buckets()])[at] += count;
        }
    }
    let complete_since = counts.complete_since(since);
    MessagesByTime { since, until: now, bucket_seconds: window.bucket_seconds(), complete_since, channels }
}

fn pairs(counts: &Counts, window: Window) -> Vec<Pair> {
    let mut pairs: BTreeMap<&(String, String), u32> = BTreeMap::new();
    for said in counts.buckets(window).values() {
        for (pair, count) in &said.pairs {
            *pairs.entry(pair).or_default() += count;
        }
    }
    pairs.into_iter().map(|((from, to), count)| Pair { from: from.clone(), to: to.clone(), count }).collect()
}

/// Parses `?window=`.
///
/// # Errors
/// `INVALID_FIELD` for anything but hour and day.
pub(crate) fn window(params: &Params) -> Result<Window, Refusal> {
    match params.text("window")?.as_deref() {
        None | Some("hour") => Ok(Window::Hour),
        Some("day") => Ok(Window::Day),
        Some(other) => Err(invalid("window", "hour or day", &shown(other))),
    }
}
