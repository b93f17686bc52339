//! What a client is told when it connects.

use std::time::Duration;

use orochi_protocol::request::Register;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a token within an address (docs/protocol.md, section 2).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where and as whom to connect.
#[derive(Clone)]
pub struct Options {
    /// The hub's agent port: `ws://host:port`.
    pub url: String,
    /// The hub's token; None where it asks for none.
    pub token: Option<String>,
    /// The agent's name.
    pub name: String,
    /// The rest of what it says of itself, and what it wants to get.
    pub register: Register,
    /// Whether to come back after a lost connection. Against a 0.1.0 hub this never happens.
    pub reconnect: bool,
    /// Whether to tell the hub what the consumer has finished with (`seen`): it moves the name's stored
    /// cursor and shows in receipts.
    pub say_seen: bool,
    /// How long connecting and registering may take.
    pub connect_timeout: Duration,
}

impl Options {
    /// An agent in `#general` with everything else as it usually is.
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            name: name.into(),
            register: Register::default(),
            reconnect: true,
            say_seen: true,
            connect_timeout: Duration::from_secs(10),
        }
    }

    /// The address with the token in it. Only for the connection itself: never shown.
    pub(crate) fn address(&self) -> String {
        match &self.token {
            Some(token) if !token.is_empty() => {
                format!("{}/?token={}", self.url.trim_end_matches('/'), utf8_percent_encode(token, PLAIN))
            }
            _ => self.url.clone(),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("url", &self.url).field("name", &self.name).finish_non_exhaustive()
    }
}
