//! Messages as the rows of an answer, and the address where the list continues.

use std::fmt::Display;

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use orochi_protocol::AgentName;
use orochi_protocol::delivery::HitView;
use serde_json::value::RawValue;

use crate::delivery::view::{self, Viewer};
use crate::markdown::Rendering;
use crate::search::Hit;
use crate::store::Message;

/// One message as JSON.
pub(super) type Row = Box<RawValue>;

/// The form of the messages in one answer: from whose side they are shown, and with or without HTML.
#[derive(Debug, Clone)]
pub(super) struct RowForm {
    /// None for an observer.
    agent: Option<AgentName>,
    rendering: Rendering,
}

impl RowForm {
    /// The form for an agent. Without one, messages are shown as to an observer.
    pub(super) fn for_agent(agent: Option<AgentName>, rendering: Rendering) -> Self {
        Self { agent, rendering }
    }

    /// The form for routes that show all traffic.
    pub(super) fn for_observer(rendering: Rendering) -> Self {
        Self { agent: None, rendering }
    }

    pub(super) fn rows(&self, messages: &[Message]) -> Vec<Row> {
        messages.iter().map(|message| self.row(message)).collect()
    }

    pub(super) fn row(&self, message: &Message) -> Row {
        self.row_with(message, None)
    }

    /// Shows a search's hit with its snippet.
    pub(super) fn hit(&self, hit: &Hit) -> Row {
        self.row_with(&hit.message, Some(HitView { snippet: &hit.snippet, ranges: &hit.ranges }))
    }

    fn row_with(&self, message: &Message, hit: Option<HitView<'_>>) -> Row {
        let viewer = self.agent.as_ref().map_or(Viewer::Observer, |name| Viewer::Agent(name.as_str()));
        self.rendering.row(view::row(message, viewer, hit), &message.content)
    }
}

/// A page of rows. Its `Link` header with `rel="next"` (RFC 8288) has the address of the next page.
#[derive(Debug)]
pub(super) struct RowPage {
    rows: Vec<Row>,
    next: Option<HeaderValue>,
}

impl RowPage {
    /// `next` is the parameter that leads to the next page; None for the last one. The other parameters of the
    /// request's `uri` stay.
    pub(super) fn new(uri: &Uri, rows: Vec<Row>, next: Option<(&str, impl Display)>) -> Self {
        Self { rows, next: next.and_then(|(name, value)| next_page(uri, name, value)) }
    }
}

impl IntoResponse for RowPage {
    fn into_response(self) -> Response {
        let link = self.next.map(|next| [(header::LINK, next)]);
        (link, Json(self.rows)).into_response()
    }
}

/// The request's own address with `name` set to `value`. The address is relative, so it also works behind a proxy.
fn next_page(uri: &Uri, name: &str, value: impl Display) -> Option<HeaderValue> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let kept = pairs.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
    let kept: String = kept.map(|pair| format!("{pair}&")).collect();
    // A request's address is always a valid header value.
    HeaderValue::from_str(&format!("<{}?{kept}{name}={value}>; rel=\"next\"", uri.path())).ok()
}
