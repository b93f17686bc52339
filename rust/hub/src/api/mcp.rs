//! POST /mcp and /mcp/{agent}: the tools for agents that speak MCP over HTTP. Token, Host and Origin are checked
//! before, as for every route. The transport's own checks are off, because they don't know the hub's settings.

use std::future::ready;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use orochi_mcp::{Extras, HttpServer};
use orochi_protocol::{AgentName, Refusal};

use super::App;
use super::errors::ApiError;
use super::request::path::OwnName;
use crate::mcp::Tools;

/// The agent's name, for clients whose address has none.
const AGENT_HEADER: &str = "x-orochi-agent";

/// Serves an address without a name. The name is in the header, or the request has none.
pub(super) fn unnamed(State(app): State<App>, request: Request) -> BoxFuture<'static, Response> {
    match header_name(&app, request.headers()) {
        Ok(name) => answer(&app, name, request),
        Err(refusal) => Box::pin(ready(ApiError(refusal).into_response())),
    }
}

/// Serves an address with the agent's name.
pub(super) fn named(State(app): State<App>, OwnName(name): OwnName, request: Request) -> BoxFuture<'static, Response> {
    answer(&app, Some(name), request)
}

fn header_name(app: &App, headers: &HeaderMap) -> Result<Option<AgentName>, Refusal> {
    let value = headers.get(AGENT_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let name = AgentName::parse(&value)?;
    app.core.check_free(&name)?;
    Ok(Some(name))
}

/// The future has only its own parts, because thousands of requests may wait.
fn answer(app: &App, name: Option<AgentName>, request: Request) -> BoxFuture<'static, Response> {
    let has_gitea = app.calls.gitea_address().is_some() && request.uri().query().is_some_and(asks_for_gitea);
    let (core, calls, returned) = (app.core.clone(), app.calls.clone(), app.returned.clone());
    let tools = Tools { core, calls, returned, name };
    let server = HttpServer::new(Arc::new(tools), Extras { gitea: has_gitea, channel: false });
    Box::pin(async move { server.handle(request).await.map(Body::new) })
}

/// `?gitea=true` also lists the `gitea` tool.
fn asks_for_gitea(query: &str) -> bool {
    query.split('&').any(|pair| matches!(pair, "gitea" | "gitea=true" | "gitea=1"))
}
