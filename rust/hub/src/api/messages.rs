//! Messages of all channels: list the newest, post one, and read its receipts.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use orochi_protocol::limits::{RECENT_LIMIT_DEFAULT, RECENT_LIMIT_MAX};
use orochi_protocol::reply::ReceiptsAnswer;
use orochi_protocol::request::{Draft, check_id};
use orochi_protocol::{AgentName, ErrorCode, Refusal, Seq, Target};

use super::App;
use super::errors::ApiError;
use super::request::body::JsonBody;
use super::request::path::InPath;
use super::request::query::Params;
use super::rows::{Row, RowForm, RowPage};
use crate::clock::new_id;
use crate::core::Accepted;
use crate::store::{ANSWER_TEXT_MAX, PageQuery};

/// The newest messages that are searched for an agent's own. There is no index by sender.
const SAID_WITHIN: u64 = 50_000;

/// GET /api/messages: the newest messages of all channels or of `channel`, or those `before` a seq. With `after` or
/// `since`, the first ones from there. Oldest first.
pub(super) async fn recent(State(app): State<App>, uri: Uri, params: Params) -> Result<RowPage, ApiError> {
    let page = parse_page(&params)?;
    let form = RowForm::for_observer(params.rendering()?);
    let read = app.core.reads().run(move |reader| {
        let (messages, is_cut) = reader.page(&page, ANSWER_TEXT_MAX)?;
        let next = match page.is_forward() {
            true => messages.last().map(|message| ("after", message.seq)),
            false => messages.first().map(|message| ("before", message.seq)),
        };
        Ok((form.rows(&messages), next.filter(|_| is_cut)))
    });
    let (rows, next) = read.await?;
    Ok(RowPage::new(&uri, rows, next))
}

/// GET /api/agents/{name}/messages: the newest messages from or to an agent, or those `before` a seq. Oldest first.
pub(super) async fn of_agent(
    State(app): State<App>,
    InPath(name): InPath<AgentName>,
    uri: Uri,
    params: Params,
) -> Result<RowPage, ApiError> {
    let before = params.seq("before")?.unwrap_or(Seq::MAX);
    let limit = params.whole_up_to("limit", RECENT_LIMIT_MAX)?.unwrap_or(RECENT_LIMIT_DEFAULT);
    let form = RowForm::for_observer(params.rendering()?);
    let after = Seq::new(app.core.head().get().saturating_sub(SAID_WITHIN)).unwrap_or_default();
    let read = app.core.reads().run(move |reader| {
        let (messages, is_cut) = reader.by_or_to(name.as_str(), (after, before), limit, ANSWER_TEXT_MAX)?;
        let next = messages.first().filter(|_| is_cut).map(|message| ("before", message.seq));
        Ok((form.rows(&messages), next))
    });
    let (rows, next) = read.await?;
    Ok(RowPage::new(&uri, rows, next))
}

/// GET /api/messages/{seq}: one message.
pub(super) async fn one(
    State(app): State<App>,
    InPath(seq): InPath<Seq>,
    params: Params,
) -> Result<Json<Row>, ApiError> {
    let form = RowForm::for_observer(params.rendering()?);
    let read = app.core.reads().run(move |reader| Ok(reader.message(seq)?.map(|message| form.row(&message))));
    let none = || ApiError::new(ErrorCode::NotFound, format!("there is no message {seq}"));
    read.await?.map(Json).ok_or_else(none)
}

/// POST /api/messages: answers 201 once the message is on disk, 200 if it already was.
pub(super) async fn post(State(app): State<App>, body: JsonBody) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let (sender, id, draft) = parse_message(&body)?;
    app.core.check_free(&sender)?;
    if let Some(seq) = draft.reply_to {
        app.core.check_reply_to(&sender, seq).await?;
    }
    let accepted = app.core.post(sender, id, draft).await?;
    let status = if accepted.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(accepted)))
}

/// GET /api/messages/{seq}/receipts: how far a message got with each of its agents.
pub(super) async fn receipts(
    State(app): State<App>,
    InPath(seq): InPath<Seq>,
    params: Params,
) -> Result<Json<ReceiptsAnswer>, ApiError> {
    let asker = params.agent("agent")?;
    match app.core.receipts(asker, seq).await {
        Ok(answer) => Ok(Json(answer)),
        // The message is part of the address, so a missing one is a 404.
        Err(refusal) if refusal.code == ErrorCode::InvalidField => {
            Err(ApiError::new(ErrorCode::NotFound, refusal.detail))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn parse_page(params: &Params) -> Result<PageQuery, Refusal> {
    let channel = match params.text("channel")?.map(|text| Target::parse(&text)).transpose()? {
        Some(Target::Direct(name)) => {
            let detail = format!("channel is @{name}, an agent: its conversations are at /api/history/@{name}?agent=…");
            return Err(Refusal::new(ErrorCode::InvalidField, detail));
        }
        Some(Target::Channel(channel)) => Some(channel),
        None => None,
    };
    Ok(PageQuery {
        channel,
        before: params.seq("before")?,
        after: params.seq("after")?,
        since: params.time("since")?,
        limit: params.whole_up_to("limit", RECENT_LIMIT_MAX)?.unwrap_or(RECENT_LIMIT_DEFAULT),
    })
}

fn parse_message(body: &JsonBody) -> Result<(AgentName, String, Draft), ApiError> {
    let fields = body.fields()?;
    let sender = AgentName::parse(&fields.required_text("sender")?)?;
    let id = match fields.text("id")? {
        Some(id) => check_id(&id).map(|()| id)?,
        None => new_id(),
    };
    let draft = Draft::from_body(&fields, &["sender", "id"])?;
    Ok((sender, id, draft))
}
