//! GET /api/agents/{name}/timeline: what an agent was in, and when.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use orochi_protocol::{AgentName, Timestamp};
use serde::Serialize;

use super::App;
use super::errors::ApiError;
use super::params::Params;
use crate::core::system_clock;
use crate::store::states::StateChange;

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// Changes that one answer holds.
const CHANGES_MAX: u32 = 2000;

/// One state, from its beginning or that of the time asked for to its end.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// What the agent said it was doing, `online` before it said, or `offline`.
    state: String,
    since: Timestamp,
    until: Timestamp,
}

/// Between `since` (a day ago) and `until` (now), oldest first; a time before the agent is known has no span.
pub async fn show(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<Vec<Span>>, ApiError> {
    let name = AgentName::parse(&path?.0)?;
    let until = params.time("until")?.unwrap_or_else(system_clock);
    let since = params.time("since")?.unwrap_or_else(|| Timestamp::from_micros(until.as_micros() - DAY_MICROS));
    app.core.barrier().await?;
    let read = app.core.reads().run(move |reader| reader.states(name.as_str(), since, until, CHANGES_MAX));
    Ok(Json(spans(read.await?, since, until)))
}

fn spans(changes: Vec<StateChange>, since: Timestamp, until: Timestamp) -> Vec<Span> {
    let ends: Vec<Timestamp> = changes.iter().skip(1).map(|change| change.ts).chain([until]).collect();
    let spans = changes.into_iter().zip(ends);
    let spans = spans.map(|(change, end)| Span { state: change.state, since: change.ts.max(since), until: end });
    // One that ended as the time begins was not in it.
    spans.filter(|span| span.since < span.until).collect()
}
