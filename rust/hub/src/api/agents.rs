//! Lists of agents and channels, and the hub's figures.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use orochi_protocol::reply::AgentRow;

use super::App;
use super::errors::ApiError;
use super::request::query::Params;
use crate::core::Stats;

/// GET /api/agents: the online agents. `?all=true` lists all that ever registered.
pub(super) async fn list(State(app): State<App>, params: Params) -> Result<Json<Vec<AgentRow>>, ApiError> {
    let all = params.boolean("all")?.unwrap_or(false);
    Ok(Json(app.core.agents(all).await?))
}

/// GET /api/channels: each channel's members.
pub(super) async fn channels(State(app): State<App>) -> Result<Json<BTreeMap<String, Vec<String>>>, ApiError> {
    Ok(Json(app.core.channels().await?))
}

/// GET /api/stats
pub(super) async fn stats(State(app): State<App>) -> Result<Json<Stats>, ApiError> {
    Ok(Json(app.core.stats().await?))
}
