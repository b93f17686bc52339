//! GET /api/agents/{name}/inbox and POST /api/agents/{name}/seen: the inbox of an agent that has no connection.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use orochi_protocol::fields::missing;
use orochi_protocol::limits::HISTORY_LIMIT_DEFAULT;
use orochi_protocol::{AgentName, Seq};
use serde::Serialize;
use serde_json::value::RawValue;

use super::App;
use super::errors::ApiError;
use super::request::body;
use super::request::query::Params;
use super::security::login::Login;
use crate::core::NamedAction;
use crate::delivery::view::{self, Viewer};
use crate::mailbox::{self, Presence};

/// The longest wait, in seconds: clients and proxies give up after a minute.
const WAIT_MAX: u32 = 50;
/// Rows of one answer.
const ROWS_MAX: u32 = 500;

/// What waits.
#[derive(Debug, Serialize)]
pub struct Inbox {
    messages: Vec<Box<RawValue>>,
    /// Whether there are more behind them.
    more: bool,
    /// Up to where the agent has dealt with its messages.
    cursor: Option<Seq>,
}

/// What waits for the agent, oldest first; with `wait` as soon as there is something.
pub async fn show(
    State(app): State<App>,
    login: Option<Extension<Login>>,
    path: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<Inbox>, ApiError> {
    let name = AgentName::parse(&path?.0)?;
    let limit = params.whole("limit", 1..=ROWS_MAX)?.unwrap_or(HISTORY_LIMIT_DEFAULT) as usize;
    let wait = Duration::from_secs(params.whole("wait", 0..=WAIT_MAX)?.unwrap_or(0).into());
    // A browser's login reads and changes nothing, not even who is online.
    let presence = if login.is_some() { Presence::Hidden } else { Presence::Shown };
    app.core.check_free(&name)?;
    let look = async || {
        let found = mailbox::waiting(&app.core, &name, limit).await?;
        Ok(Some(found).filter(|found| !found.messages.is_empty()))
    };
    let found = mailbox::until(&app.core, &name, vec![name.to_string()], (wait, presence), look).await?;
    let found = found.unwrap_or_default();
    let viewer = Viewer::Agent(name.as_str());
    let messages = found.messages.iter().map(|message| view::row(message, viewer, None)).collect();
    Ok(Json(Inbox { messages, more: found.more, cursor: mailbox::cursor(&app.core, &name).await? }))
}

/// Everything up to `seq` is dealt with.
pub async fn seen(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    content: Body,
) -> Result<StatusCode, ApiError> {
    let name = AgentName::parse(&path?.0)?;
    app.core.check_free(&name)?;
    let content = body::read(content).await?;
    let seq = body::fields(&content)?.seq("seq")?.ok_or_else(|| missing("seq", "the seq of a message"))?;
    app.core.named(name, NamedAction::Seen(seq)).await?;
    Ok(StatusCode::NO_CONTENT)
}
