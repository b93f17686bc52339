//! GET /api/agents/{name}/timeline and /api/stats/states: the states of one agent, or of all, over time.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use orochi_protocol::{AgentName, Timestamp};
use serde::Serialize;

use crate::api::App;
use crate::api::dashboard::activity::window;
use crate::api::dashboard::overview::AWAY_MAX;
use crate::api::errors::ApiError;
use crate::api::request::path::InPath;
use crate::api::request::query::Params;
use crate::core::system_clock;
use crate::store::Lane;
use crate::store::states::StateChange;

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// Changes of one agent that one answer holds.
const CHANGES_MAX: u32 = 2000;
/// Changes of all agents that one answer holds, as long as each agent has its newest ones.
const ALL_CHANGES_MAX: usize = 50_000;
const CHANGES_MIN: u32 = 10;

/// One state and its time, cut to the requested range.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// What the agent said it was doing, `online` before it said, or `offline`.
    state: String,
    since: Timestamp,
    until: Timestamp,
}

/// The states of all agents.
#[derive(Debug, Serialize)]
pub struct States {
    since: Timestamp,
    until: Timestamp,
    /// By name, without agents that were unknown then.
    agents: BTreeMap<String, Vec<Span>>,
}

/// GET /api/stats/states: in the last hour, or `?window=day`, of the agents that the overview lists. A query for each
/// of thousands that have left would take longer than the page has.
pub async fn all(State(app): State<App>, params: Params) -> Result<Json<States>, ApiError> {
    let seconds = window(&params)?.seconds();
    // After the core's answer, what it reports is on disk.
    let (agents, _) = app.core.recent_agents(AWAY_MAX).await?;
    app.core.barrier().await?;
    let until = system_clock();
    let since = Timestamp::from_micros(until.as_micros() - seconds * 1_000_000);
    let read = app.core.reads().run_in(Lane::Search, move |reader| {
        let each = changes_of_each(agents.len());
        let mut spans_of = BTreeMap::new();
        for row in agents {
            let spans = spans(reader.states(&row.name, since, until, each)?, since, until);
            if !spans.is_empty() {
                spans_of.insert(row.name, spans);
            }
        }
        Ok(spans_of)
    });
    Ok(Json(States { since, until, agents: read.await? }))
}

/// Between `since` (a day ago) and `until` (now), oldest first; a time before the agent is known has no span.
pub async fn show(
    State(app): State<App>,
    InPath(name): InPath<AgentName>,
    params: Params,
) -> Result<Json<Vec<Span>>, ApiError> {
    let until = params.end_time("until")?.unwrap_or_else(system_clock);
    let since = params.time("since")?.unwrap_or_else(|| Timestamp::from_micros(until.as_micros() - DAY_MICROS));
    app.core.barrier().await?;
    let read =
        app.core.reads().run_in(Lane::Search, move |reader| reader.states(name.as_str(), since, until, CHANGES_MAX));
    Ok(Json(spans(read.await?, since, until)))
}

/// Changes of each of so many agents that one answer holds.
fn changes_of_each(agents: usize) -> u32 {
    u32::try_from(ALL_CHANGES_MAX / agents.max(1)).unwrap_or(CHANGES_MAX).clamp(CHANGES_MIN, CHANGES_MAX)
}

fn spans(changes: Vec<StateChange>, since: Timestamp, until: Timestamp) -> Vec<Span> {
    let ends: Vec<Timestamp> = changes.iter().skip(1).map(|change| change.ts).chain([until]).collect();
    let spans = changes.into_iter().zip(ends);
    let spans = spans.map(|(change, end)| Span { state: change.state, since: change.ts.max(since), until: end });
    // Drop spans that end exactly at `since`.
    spans.filter(|span| span.since < span.until).collect()
}
