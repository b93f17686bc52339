//! GET /api/history/{channel}: the messages of a channel or a conversation, newest first.

use axum::extract::State;
use axum::http::Uri;
use orochi_protocol::fields::missing;
use orochi_protocol::limits::{HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX, SEARCH_CHARS_MAX};
use orochi_protocol::request::{HistoryFilter, Order};
use orochi_protocol::{AgentName, Refusal, Target};

use super::App;
use super::errors::ApiError;
use super::request::path::InPath;
use super::request::query::Params;
use super::rows::{RowForm, RowPage};
use crate::search::{Cursor, Request};
use crate::store::{ANSWER_TEXT_MAX, Lane, Place};

/// Lists the rows of the target in the path. `#` is optional; `@name` is the conversation of `?agent=` with that agent.
pub(super) async fn list(
    State(app): State<App>,
    InPath(target): InPath<Target>,
    uri: Uri,
    params: Params,
) -> Result<RowPage, ApiError> {
    let agent = params.agent("agent")?;
    let place = place(&target, agent.as_ref())?;
    let filter = parse_filter(&params)?;
    let form = RowForm::for_agent(agent.clone(), params.rendering()?);
    if filter.search.is_some() {
        return found(&app, &uri, Request::in_history(place, agent, &filter)?, &form).await;
    }
    let read = app.core.reads().run_in(Lane::for_history(&filter), move |reader| {
        let (messages, is_cut) = reader.history_within(&place, &filter, ANSWER_TEXT_MAX)?;
        let next = messages.last().filter(|_| is_cut).map(|message| match filter.order {
            Order::Desc => ("before", message.seq),
            Order::Asc => ("after", message.seq),
        });
        Ok((form.rows(&messages), next))
    });
    let (rows, next) = read.await?;
    Ok(RowPage::new(&uri, rows, next))
}

/// Lists the matches of a `search`, newest first. If the answer ended early, it also says where the next page starts.
async fn found(app: &App, uri: &Uri, request: Request, form: &RowForm) -> Result<RowPage, ApiError> {
    let limit = request.limit as usize;
    let found = app.core.search(request).await?;
    let next = match found.next {
        Some(Cursor::Before(seq)) if found.hits.len() < limit => Some(("before", seq)),
        _ => None,
    };
    let rows = found.hits.iter().map(|hit| form.row(&hit.message)).collect();
    Ok(RowPage::new(uri, rows, next))
}

/// Finds the place of a target. For a conversation, `agent` is one of its two agents.
///
/// # Errors
/// `MISSING_FIELD` for a conversation without `agent`.
pub(super) fn place(target: &Target, agent: Option<&AgentName>) -> Result<Place, Refusal> {
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
