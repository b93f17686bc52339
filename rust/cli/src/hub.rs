//! Requests to a running hub over HTTP, and sentences for their errors.
//!
//! They need no registered name, so a command never disturbs an agent with the same name.

use std::error::Error;
use std::io;
use std::time::Duration;

use orochi_hub::ConfigError;
use orochi_hub::http_client_builder;
use orochi_protocol::Secret;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::connection::Connection;
use crate::failure::Failure;

/// A hub on this machine answers in a millisecond, a distant one within a second.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Even a search through millions of messages on a slow disk ends before this.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Waits before a safe request is repeated: long enough for a connection to break and be made again.
const RETRY_WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// The address of the hub's API, and the token.
#[derive(Debug)]
pub struct Hub {
    base: Url,
    place: String,
    token: Secret,
    http: reqwest::Client,
}

impl Hub {
    /// Prepares requests to a hub, without sending any.
    ///
    /// # Errors
    /// Fails if the host or the token is invalid.
    pub fn new(connection: &Connection) -> Result<Self, Failure> {
        let (base, place) = (base(connection)?, place(connection));
        let http = http_client_builder(base.as_str())
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX)
            .build()
            .map_err(|error| Failure::Hub(format!("cannot set up HTTP: {error}")))?;
        Ok(Self { base, place, token: connection.token.clone(), http })
    }

    /// Returns the answer to a GET request for the path with these segments.
    ///
    /// # Errors
    /// Fails if the hub can't be reached, refuses, or is not a hub.
    pub async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<T, Failure> {
        self.answer(self.request(Method::GET, path).query(query)).await.map_err(|trouble| trouble.failure(self))
    }

    /// Posts a body that has its own id. If the connection breaks before the answer, the request is sent again: the hub
    /// accepts it once under its id.
    ///
    /// # Errors
    /// Fails if the hub can't be reached, refuses, or is not a hub.
    pub async fn post_once<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> Result<T, Failure> {
        let mut waits = RETRY_WAITS.iter();
        let mut sent = false;
        loop {
            let trouble = match self.answer(self.request(Method::POST, path).json(body)).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            sent |= trouble.may_have_arrived();
            match waits.next() {
                Some(wait) if sent && trouble.is_transport() => tokio::time::sleep(*wait).await,
                _ if sent && trouble.is_transport() => return Err(trouble.unsure(self)),
                _ => return Err(trouble.failure(self)),
            }
        }
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.clear().extend(path);
        }
        let request = self.http.request(method, url);
        if self.token.is_empty() { request } else { request.bearer_auth(self.token.expose()) }
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Trouble> {
        let response = request.send().await.map_err(Trouble::Transport)?;
        let status = response.status();
        let body = response.bytes().await.map_err(Trouble::Transport)?;
        if status.is_success() {
            // An answer without content has no body.
            let body = if status == StatusCode::NO_CONTENT { b"null" } else { &*body };
            return serde_json::from_slice(body).map_err(|_| Trouble::Stranger(status));
        }
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        match (text(&value, "code"), text(&value, "detail")) {
            (Some(code), Some(detail)) => Err(Trouble::Refused { status, code, detail }),
            _ => Err(Trouble::Stranger(status)),
        }
    }
}

/// The address of the API.
///
/// # Errors
/// Fails if the host or the token is invalid.
pub fn base(connection: &Connection) -> Result<Url, Failure> {
    if connection.token.has_blank() {
        return Err(Failure::Usage(ConfigError::Token.to_string()));
    }
    let base = Url::parse(&format!("http://{}/", place(connection))).ok();
    base.filter(|url| url.path() == "/" && url.username().is_empty()).ok_or_else(|| {
        Failure::Usage(format!("the host {:?} is neither an IP address nor a host name", connection.host))
    })
}

/// `host:port`, with brackets around an IPv6 address.
pub fn place(connection: &Connection) -> String {
    let Connection { host, port, .. } = connection;
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The error for a hub that does not answer at `place`.
pub fn connection_failed(place: &str, reason: &str) -> Failure {
    Failure::Hub(format!(
        "cannot reach the Orochi hub at {place}: {reason}; start it with 'orochi serve' or name it with --host and --port"
    ))
}

/// The error for a missing or wrong token.
pub fn token_refused(place: &str, token: &Secret) -> Failure {
    Failure::Hub(if token.is_empty() {
        format!("the hub at {place} asks for a token; set OROCHI_TOKEN to it")
    } else {
        format!("the hub at {place} refuses this token; set OROCHI_TOKEN to the one the hub was started with")
    })
}

/// The reason why a request has no answer.
enum Trouble {
    Transport(reqwest::Error),
    Refused { status: StatusCode, code: String, detail: String },
    Stranger(StatusCode),
}

impl Trouble {
    fn is_transport(&self) -> bool {
        matches!(self, Trouble::Transport(_))
    }

    fn may_have_arrived(&self) -> bool {
        matches!(self, Trouble::Transport(error) if !error.is_connect() && !error.is_builder())
    }

    fn failure(self, hub: &Hub) -> Failure {
        let place = &hub.place;
        match self {
            Trouble::Transport(error) => connection_failed(place, &reason(&error)),
            Trouble::Refused { status: StatusCode::UNAUTHORIZED, .. } => token_refused(place, &hub.token),
            Trouble::Refused { code, detail, .. } => Failure::Hub(format!("the hub refused: {detail} ({code})")),
            Trouble::Stranger(status) => Failure::Hub(format!(
                "what answers at {place} is not an Orochi hub of this version (HTTP {}); \
                 name the hub with --host and --port",
                status.as_u16()
            )),
        }
    }

    /// The error for a request that was sent but not answered.
    fn unsure(self, hub: &Hub) -> Failure {
        let Trouble::Transport(error) = self else { return self.failure(hub) };
        Failure::Hub(format!(
            "the connection to the Orochi hub at {} was lost before it answered: {}; \
             see whether the message arrived: orochi history CHANNEL --limit 5",
            hub.place,
            reason(&error)
        ))
    }
}

/// The innermost cause, which is the informative one: reqwest and hyper wrap it in general words.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match cause.downcast_ref::<io::Error>() {
        Some(error) => io_reason(error),
        None => cause.to_string(),
    }
}

/// The text of an I/O error for people.
fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::TimedOut => "no answer in time".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to the host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "the network is unreachable".to_owned(),
        _ => error.to_string(),
    }
}
