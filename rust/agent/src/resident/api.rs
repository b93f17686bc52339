//! Requests to the hub's HTTP API, beside the connection: queries that need no frame of their own. Dropping a request
//! also ends it at the hub.

use std::error::Error;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, LINK};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use orochi_mcp::backend::Fault;
use orochi_protocol::ErrorCode;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http::part;
use crate::identity::Hub;

/// Rows have at most 8 MiB of text; the rest is for their other fields.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A search through millions of messages on a slow disk takes less.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A request to a hub.
#[derive(Debug)]
pub(super) struct Api<'a> {
    hub: &'a Hub,
    path: String,
    limit: Duration,
}

/// The hub's answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its JSON; null if it has none.
    pub(super) body: Value,
    /// True if there is another page.
    pub(super) has_more: bool,
}

impl<'a> Api<'a> {
    /// Creates a request for the path with these parts.
    pub(super) fn new(hub: &'a Hub, parts: &[&str]) -> Self {
        let path = parts.iter().map(|own| format!("/{}", part(own))).collect();
        Self { hub, path, limit: ANSWER_MAX }
    }

    /// Adds a parameter.
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(&format!("{name}={}", part(&value.to_string())));
        self
    }

    /// Adds a parameter if it has a value.
    pub(super) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Extends the time limit of the answer.
    pub(super) fn longer(mut self, by: Duration) -> Self {
        self.limit += by;
        self
    }

    /// # Errors
    /// Fails if the hub refuses, or does not answer in time.
    pub(super) async fn get(self) -> Result<Answer, Fault> {
        self.ask(Method::GET, None).await
    }

    /// # Errors
    /// Fails if the hub refuses, or does not answer in time.
    pub(super) async fn post(self, body: &Value) -> Result<Answer, Fault> {
        self.ask(Method::POST, Some(body)).await
    }

    async fn ask(self, method: Method, body: Option<&Value>) -> Result<Answer, Fault> {
        let Self { hub, path, limit } = self;
        let body = Full::new(Bytes::from(body.map(Value::to_string).unwrap_or_default()));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, hub.place())
            .header(CONTENT_TYPE, "application/json");
        if !hub.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", hub.token.expose()));
        }
        let request = request.body(body).map_err(|error| Fault::refused(ErrorCode::InvalidField, error.to_string()))?;
        let unreachable = |reason: &dyn std::fmt::Display| {
            Fault::new(Fault::UNREACHABLE, format!("the Orochi hub at {} can't be reached: {reason}", hub.url))
        };
        let (status, headers, body) = match timeout(limit, exchange(hub.place(), request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(unreachable(&error)),
            Err(_) => return Err(unreachable(&"no answer in time")),
        };
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(Answer { body, has_more: headers.contains_key(LINK) });
        }
        match (body["code"].as_str(), body["detail"].as_str()) {
            (Some(code), Some(detail)) => Err(Fault::new(code, detail)),
            _ => {
                let detail = format!("what answers at {} is no Orochi hub of this version (HTTP {status})", hub.url);
                Err(Fault::new(Fault::UNREACHABLE, detail))
            }
        }
    }
}

async fn exchange(
    place: &str,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, HeaderMap, Bytes), Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(place).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await?.to_bytes();
        Ok((head.status, head.headers, body))
    };
    // Driven here and not by a task of its own, so that it ends with the request.
    let lost = async {
        match connection.await {
            Ok(()) => pending().await,
            Err(error) => error,
        }
    };
    let (answer, lost) = (pin!(answer), pin!(lost));
    tokio::select! {
        answer = answer => answer,
        error = lost => Err(error.into()),
    }
}
