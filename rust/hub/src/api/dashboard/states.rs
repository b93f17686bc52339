//! GET /api/agents/{name}/timeline and /api/stats/states: the states of one agent or of all over time.

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
/// The most changes of one agent in one answer.
const CHANGES_MAX: u32 = 2000;
/// The most changes of all agents in one answer. Each agent gets at least its newest `CHANGES_MIN`.
const ALL_CHANGES_MAX: usize = 50_000;
const CHANGES_MIN: u32 = 10;

/// One state and its time, cut to the requested range.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Span {
    /// The agent's reported status, `online` before its first report, or `offline`.
    state: String,
    since: Timestamp,
    until: Timestamp,
}

/// The states of all agents.
#[derive(Debug, Serialize)]
pub(crate) struct States {
    since: Timestamp,
    until: Timestamp,
    /// By name, without agents that were not known then.
    agents: BTreeMap<String, Vec<Span>>,
}

/// GET /api/stats/states: the last hour, or the last day (`?window=day`), of the agents that the overview lists. A
/// query for each of thousands of agents that left long ago would take too long.
pub(crate) async fn all(State(app): State<App>, params: Params) -> Result<Json<States>, ApiError> {
    let seconds = window(&params)?.seconds();
    // After the barrier, everything that the core reported is on disk.
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

/// GET /api/agents/{name}/timeline: between `since` (default: a day ago) and `until` (default: now), oldest first. The
/// time before the agent was known has no span.
pub(crate) async fn show(
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

/// The most changes of each agent in an answer with this many agents.
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
