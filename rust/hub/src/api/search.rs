//! GET /api/search: messages that match a text, each with its matching part (docs/protocol.md, section 9, Search).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use orochi_protocol::delivery::HitView;
use orochi_protocol::fields::{invalid, missing};
use orochi_protocol::limits::{HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX, SEARCH_CHARS_MAX};
use orochi_protocol::{Refusal, Target};
use serde_json::value::RawValue;

use super::App;
use super::errors::ApiError;
use super::history;
use super::request::query::Params;
use super::request::rows::next_page;
use crate::delivery::view::{self, Viewer};
use crate::search::{Cursor, Found, Hit, Order, Query, Request};

const INDEXED_UP_TO: HeaderName = HeaderName::from_static("orochi-indexed-up-to");

/// Lists matches with snippets. Direct messages are found only for the agent in `?agent=`.
pub async fn list(
    State(app): State<App>,
    uri: Uri,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Box<RawValue>>>), ApiError> {
    let request = parse_request(&params)?;
    let rendering = params.rendering()?;
    let agent = request.agent.clone();
    let found = app.core.search(request).await?;
    let headers = headers(&uri, &found);
    let viewer = agent.as_ref().map_or(Viewer::Observer, |name| Viewer::Agent(name.as_str()));
    let row = |hit: &Hit| {
        let part = HitView { snippet: &hit.snippet, ranges: &hit.ranges };
        rendering.row(view::row(&hit.message, viewer, Some(part)), &hit.message.content)
    };
    Ok((headers, Json(found.hits.iter().map(row).collect())))
}

fn parse_request(params: &Params) -> Result<Request, Refusal> {
    let text = params.short_text("q", SEARCH_CHARS_MAX)?.ok_or_else(|| missing("q", "the words to search for"))?;
    let agent = params.agent("agent")?;
    let place = match params.text("channel")? {
        Some(text) => Some(history::place(&Target::parse(&text)?, agent.as_ref())?),
        None => None,
    };
    let query = Query::parse("q", &text)?;
    query.check_asker("agent", agent.as_ref())?;
    Ok(Request {
        query,
        place,
        sender: params.agent("sender")?,
        since: params.time("since")?,
        until: params.end_time("until")?,
        agent,
        order: parse_order(params)?,
        cursor: params.text("cursor")?.map(|text| Cursor::parse("cursor", &text)).transpose()?,
        limit: params.whole("limit", 1..=HISTORY_LIMIT_MAX)?.unwrap_or(HISTORY_LIMIT_DEFAULT),
        ..Request::default()
    })
}

fn parse_order(params: &Params) -> Result<Order, Refusal> {
    match params.text("order")?.as_deref() {
        None | Some("rank") => Ok(Order::Rank),
        Some("time") => Ok(Order::Time),
        Some(other) => Err(invalid("order", "rank or time", &format!("{other:?}"))),
    }
}

/// The cursor of the next page, and the seq up to which messages were searched.
fn headers(uri: &Uri, found: &Found) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(next) = found.next {
        headers.extend(next_page(uri, "cursor", next).into_iter().flatten());
    }
    if let Some(seq) = found.indexed_up_to {
        headers.insert(INDEXED_UP_TO, HeaderValue::from(seq.get()));
    }
    headers
}
