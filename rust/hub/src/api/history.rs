//! GET /api/history/{channel}: the messages of a channel or a conversation, newest first.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use orochi_protocol::fields::missing;
use orochi_protocol::limits::{HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX, SEARCH_CHARS_MAX};
use orochi_protocol::request::{HistoryFilter, Order};
use orochi_protocol::{AgentName, Refusal, Seq, Target};
use serde_json::value::RawValue;

use super::App;
use super::errors::ApiError;
use super::request::query::Params;
use super::request::rows::{NextPage, next_page};
use crate::delivery::view::{self, Viewer};
use crate::markdown::Rendering;
use crate::search::{Cursor, Hit, Request};
use crate::store::{ANSWER_TEXT_MAX, Lane, Message, Place};

/// Lists the rows of the target in the path. `#` is optional; `@name` is the conversation of `?agent=` with that agent.
pub async fn list(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    params: Params,
) -> Result<(Option<NextPage>, Json<Vec<Box<RawValue>>>), ApiError> {
    let target = Target::parse(&path?.0)?;
    let agent = params.agent("agent")?;
    let place = place(&target, agent.as_ref())?;
    let filter = parse_filter(&params)?;
    let rendering = params.rendering()?;
    if filter.search.is_some() {
        let (next, rows) = found(&app, place, agent, &filter, rendering).await?;
        return Ok((next.and_then(|seq| next_page(&uri, "before", seq)), Json(rows)));
    }
    let rows = app.core.reads().run_in(Lane::for_history(&filter), move |reader| {
        let viewer = agent.as_ref().map_or(Viewer::Observer, |name| Viewer::Agent(name.as_str()));
        let (messages, is_cut) = reader.history_within(&place, &filter, ANSWER_TEXT_MAX)?;
        let row = |message: &Message| rendering.row(view::row(message, viewer, None), &message.content);
        let next = messages.last().filter(|_| is_cut).map(|message| match filter.order {
            Order::Desc => ("before", message.seq),
            Order::Asc => ("after", message.seq),
        });
        Ok((next, messages.iter().map(row).collect()))
    });
    let (next, rows) = rows.await?;
    Ok((next.and_then(|(side, seq)| next_page(&uri, side, seq)), Json(rows)))
}

/// Lists the matches of a `search`, newest first. If the answer ended early, it also says where the next page starts.
async fn found(
    app: &App,
    place: Place,
    agent: Option<AgentName>,
    filter: &HistoryFilter,
    rendering: Rendering,
) -> Result<(Option<Seq>, Vec<Box<RawValue>>), ApiError> {
    let found = app.core.search(Request::in_history(place, agent.clone(), filter)?).await?;
    let viewer = agent.as_ref().map_or(Viewer::Observer, |name| Viewer::Agent(name.as_str()));
    let row = |hit: &Hit| rendering.row(view::row(&hit.message, viewer, None), &hit.message.content);
    let next = match found.next {
        Some(Cursor::Before(seq)) if found.hits.len() < filter.limit as usize => Some(seq),
        _ => None,
    };
    Ok((next, found.hits.iter().map(row).collect()))
}

/// Finds the place of a target. For a conversation, `agent` is one of its two agents.
///
/// # Errors
/// `MISSING_FIELD` for a conversation without `agent`.
pub fn place(target: &Target, agent: Option<&AgentName>) -> Result<Place, Refusal> {
    let place = Place::of(target, agent.map(AgentName::as_str));
    place.ok_or_else(|| missing("agent", "the name of the agent whose direct messages you want"))
}

fn parse_filter(params: &Params) -> Result<HistoryFilter, Refusal> {
    HistoryFilter {
        since: params.time("since")?,
        until: params.end_time("until")?,
        before: params.seq("before")?,
        after: params.seq("after")?,
        sender: params.agent("sender")?,
        reply_to: params.seq("reply_to")?,
        search: params.short_text("search", SEARCH_CHARS_MAX)?,
        limit: params.whole("limit", 1..=HISTORY_LIMIT_MAX)?.unwrap_or(HISTORY_LIMIT_DEFAULT),
        order: params.text("order")?.map_or(Ok(Order::Desc), |order| Order::parse(&order))?,
    }
    .checked()
}
