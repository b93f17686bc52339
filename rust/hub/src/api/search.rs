//! GET /api/search: messages that match a text, best first, each with the part that matched.

use axum::Json;
use axum::extract::State;
use orochi_protocol::fields::missing;
use orochi_protocol::limits::{HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX, SEARCH_CHARS_MAX};
use orochi_protocol::{Refusal, Target};
use serde_json::value::RawValue;

use super::App;
use super::errors::ApiError;
use super::history::stored_channel;
use super::params::Params;
use crate::store::{Lane, Search, StoredMessage};
use crate::view::{self, Viewer};

/// Rows with a snippet. Direct messages are found only for the agent that `?agent=` names.
pub async fn list(State(app): State<App>, params: Params) -> Result<Json<Vec<Box<RawValue>>>, ApiError> {
    let search = parse_search(&params)?;
    let rendering = params.rendering()?;
    let rows = app.core.reads().run_in(Lane::Search, move |reader| {
        let viewer = search.agent.as_deref().map_or(Viewer::Observer, Viewer::Agent);
        let hits = reader.search(&search)?;
        let row = |(message, snippet): &(StoredMessage, String)| {
            rendering.row(view::row(message, viewer, Some(snippet)), &message.content)
        };
        Ok(hits.iter().map(row).collect())
    });
    Ok(Json(rows.await?))
}

fn parse_search(params: &Params) -> Result<Search, Refusal> {
    let text = params.short_text("q", SEARCH_CHARS_MAX)?.ok_or_else(|| missing("q", "the words to search for"))?;
    let agent = params.agent("agent")?;
    let channel = match params.text("channel")? {
        Some(text) => Some(stored_channel(&Target::parse(&text)?, agent.as_ref())?),
        None => None,
    };
    Ok(Search {
        text,
        channel,
        sender: params.agent("sender")?.map(|name| name.to_string()),
        since: params.time("since")?,
        until: params.end_time("until")?,
        agent: agent.map(|name| name.to_string()),
        limit: params.whole("limit", 1..=HISTORY_LIMIT_MAX)?.unwrap_or(HISTORY_LIMIT_DEFAULT),
    })
}
