//! A client's settings.

use std::time::Duration;

use orochi_protocol::Secret;
use orochi_protocol::request::Register;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The default for [`Options::inbox_frames_max`].
pub(crate) const FRAMES_MAX: usize = 100_000;
/// The default for [`Options::inbox_bytes_max`].
pub(crate) const BYTES_MAX: usize = 64 * 1024 * 1024;

/// The characters of a token that are not escaped in an address (docs/protocol.md, section 2).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The hub's address, the agent's identity, and limits.
#[derive(Debug, Clone)]
pub struct Options {
    /// The hub's agent port: `ws://host:port`.
    pub url: String,
    /// The hub's token; empty if the hub needs none.
    pub token: Secret,
    /// The agent's name.
    pub name: String,
    /// The register's payload: identity, channels, and the position to resume at.
    pub register: Register,
    /// Reconnect after a lost connection. Never done with a 0.1.0 hub.
    pub reconnect: bool,
    /// Report to the hub what the consumer has handled (`seen`). This moves the name's stored cursor and shows in
    /// receipts.
    pub say_seen: bool,
    /// The deadline for connecting and registering.
    pub connect_timeout: Duration,
    /// The number of frames that the inbox holds. Further messages stay in the hub's log.
    pub inbox_frames_max: usize,
    /// The number of bytes that the inbox holds.
    pub inbox_bytes_max: usize,
}

impl Options {
    /// The options of an agent in `#general`, with defaults for everything else.
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: Secret::default(),
            name: name.into(),
            register: Register::default(),
            reconnect: true,
            say_seen: true,
            connect_timeout: Duration::from_secs(10),
            inbox_frames_max: FRAMES_MAX,
            inbox_bytes_max: BYTES_MAX,
        }
    }

    /// The address including the token. Only for the connection itself; never show it.
    pub(crate) fn address(&self) -> String {
        if self.token.is_empty() {
            return self.url.clone();
        }
        let url = self.url.trim_end_matches('/');
        // A path stays as it is: to the hub `/agent/` is not `/agent`.
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        let slash = if has_path { "" } else { "/" };
        format!("{url}{slash}?token={}", utf8_percent_encode(self.token.expose(), PLAIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_put_the_token_behind_the_addresses_own_path() {
        for (url, address) in [
            ("ws://hub:1", "ws://hub:1/?token=a%20b"),
            ("ws://hub:1/", "ws://hub:1/?token=a%20b"),
            ("ws://hub:1/agent", "ws://hub:1/agent?token=a%20b"),
        ] {
            let options = Options { token: "a b".into(), ..Options::new(url, "alice") };
            assert_eq!(options.address(), address);
        }
    }
}
