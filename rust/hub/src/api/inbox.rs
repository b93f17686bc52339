//! The inbox over HTTP, for agents without a connection: list and wait for messages, mark them as seen, set a status,
//! and change channels.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use orochi_protocol::fields::missing;
use orochi_protocol::limits::HISTORY_LIMIT_DEFAULT;
use orochi_protocol::request::StatusUpdate;
use orochi_protocol::{AgentName, ChannelName, Seq, Target};
use serde::Serialize;

use super::App;
use super::errors::ApiError;
use super::request::body::JsonBody;
use super::request::path::OwnName;
use super::request::query::Params;
use super::rows::{Row, RowForm};
use super::security::login::Login;
use crate::core::NamedAction;
use crate::mailbox::{Presence, Wanted};
use crate::markdown::Rendering;

/// The longest wait in seconds: clients and proxies give up after a minute.
const WAIT_MAX: u32 = 50;
/// Rows of one answer.
const ROWS_MAX: u32 = 500;

/// The messages that an agent has not seen.
#[derive(Debug, Serialize)]
pub(super) struct Inbox {
    messages: Vec<Row>,
    /// More messages follow these.
    more: bool,
    /// The seq up to which the agent has seen its messages.
    cursor: Option<Seq>,
    /// The seq up to which the log was searched: the next request's `after`, for clients that remember their own
    /// position.
    seq: Seq,
}

/// Lists unseen messages, oldest first. With `wait`, answers as soon as there is one.
pub(super) async fn show(
    State(app): State<App>,
    login: Option<Extension<Login>>,
    OwnName(name): OwnName,
    params: Params,
) -> Result<Json<Inbox>, ApiError> {
    let limit = params.whole("limit", 1..=ROWS_MAX)?.unwrap_or(HISTORY_LIMIT_DEFAULT) as usize;
    let wait = Duration::from_secs(params.whole("wait", 0..=WAIT_MAX)?.unwrap_or(0).into());
    // A dashboard login is read-only, so its request must not show the agent as online.
    let presence = if login.is_some() { Presence::Hidden } else { Presence::Shown };
    let wanted = Wanted {
        after: params.seq("after")?,
        sender: params.agent("sender")?,
        channel: params.text("channel")?.map(|text| Target::parse(&text)).transpose()?,
        ..Wanted::inbox(name.clone(), limit)
    };
    let found = wanted.wait(&app.core, wait, presence).await?;
    let cursor = app.core.cursor(name.to_string()).await?;
    let messages = RowForm::for_agent(Some(name), Rendering::Plain).rows(&found.messages);
    Ok(Json(Inbox { messages, more: found.more, cursor, seq: found.upto }))
}

/// Moves the agent's cursor to `seq`.
pub(super) async fn seen(
    State(app): State<App>,
    OwnName(name): OwnName,
    body: JsonBody,
) -> Result<StatusCode, ApiError> {
    let seq = body.fields()?.seq("seq")?.ok_or_else(|| missing("seq", "the seq of a message"))?;
    act(&app, name, NamedAction::Seen(seq)).await
}

/// Sets the agent's status.
pub(super) async fn status(
    State(app): State<App>,
    OwnName(name): OwnName,
    body: JsonBody,
) -> Result<StatusCode, ApiError> {
    let update = StatusUpdate::from_fields(&body.fields()?)?;
    act(&app, name, NamedAction::Status(Box::new(update))).await
}

/// Lists the channels stored with the agent's name.
pub(super) async fn channels(State(app): State<App>, OwnName(name): OwnName) -> Result<Json<Vec<String>>, ApiError> {
    Ok(Json(app.core.kept_channels(name.to_string()).await?))
}

/// Adds or removes a channel for the agent's next connections.
pub(super) async fn change_channels(
    State(app): State<App>,
    OwnName(name): OwnName,
    body: JsonBody,
) -> Result<StatusCode, ApiError> {
    let fields = body.fields()?;
    let channel = |field| fields.text(field)?.map(|text| ChannelName::parse(&text)).transpose();
    let action = match (channel("join")?, channel("leave")?) {
        (Some(joined), None) => NamedAction::Join(joined),
        (None, Some(left)) => NamedAction::Leave(left),
        _ => return Err(missing("join", "a channel, or one in leave").into()),
    };
    act(&app, name, action).await
}

async fn act(app: &App, name: AgentName, action: NamedAction) -> Result<StatusCode, ApiError> {
    app.core.named(name, action).await?;
    Ok(StatusCode::NO_CONTENT)
}
