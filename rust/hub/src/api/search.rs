//! GET /api/search: messages that match a text, each with its matching part (docs/protocol.md, section 9, Search).

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::response::IntoResponse;
use orochi_protocol::fields::{invalid, missing};
use orochi_protocol::limits::{HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX, SEARCH_CHARS_MAX};
use orochi_protocol::{Refusal, Target};

use super::App;
use super::errors::ApiError;
use super::history;
use super::request::query::Params;
use super::rows::{RowForm, RowPage};
use crate::search::{Cursor, Order, Query, Request};

/// The seq up to which messages were searched, if these are not all.
const INDEXED_UP_TO: HeaderName = HeaderName::from_static("orochi-indexed-up-to");

/// Lists matches with snippets. Direct messages are found only for the agent in `?agent=`.
pub(super) async fn list(State(app): State<App>, uri: Uri, params: Params) -> Result<impl IntoResponse, ApiError> {
    let request = parse_request(&params)?;
    let form = RowForm::for_agent(request.agent.clone(), params.rendering()?);
    let found = app.core.search(request).await?;
    let indexed_up_to = found.indexed_up_to.map(|seq| [(INDEXED_UP_TO, HeaderValue::from(seq.get()))]);
    let rows = found.hits.iter().map(|hit| form.hit(hit)).collect();
    Ok((indexed_up_to, RowPage::new(&uri, rows, found.next.map(|next| ("cursor", next)))))
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
