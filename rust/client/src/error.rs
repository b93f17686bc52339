//! The client's errors, one variant for each thing that a program can do about them.

use std::time::Duration;

use orochi_protocol::{ErrorCode, ReceivedCode, Refusal};

/// A failed request or connection. Each text says what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No hub answers at the address.
    #[error("cannot reach the Orochi hub at {url}: {reason}; start it with 'orochi serve', or check host and port")]
    Unreachable {
        /// The address, without the token.
        url: String,
        /// The system's reason.
        reason: String,
    },
    /// The hub refused the token.
    #[error(
        "the hub at {url} refused the token: set OROCHI_TOKEN, or pass token=, to the one the hub was started with"
    )]
    AuthFailed { url: String },
    /// The hub refused a request. The connection continues.
    #[error("{code}: {detail}")]
    Refused {
        /// The error code (docs/protocol.md, section 3).
        code: ReceivedCode,
        /// The hub's explanation.
        detail: String,
        /// Seconds after which another try can help.
        retry_after: Option<f64>,
        /// Gitea's HTTP status.
        status: Option<u16>,
    },
    /// The connection is lost for good.
    #[error("the connection to {url} was lost: {reason}")]
    ConnectionLost {
        url: String,
        /// The cause.
        reason: String,
    },
    /// The client was closed.
    #[error("the client is closed: connect again")]
    Closed,
    /// A 0.1.0 hub does not support the request.
    #[error("{what} needs a newer hub: this one speaks scitex-orochi 0.1.0")]
    OldHub { what: &'static str },
    /// The protocol does not allow the request. Nothing was sent.
    #[error(transparent)]
    Invalid(#[from] Refusal),
}

impl Error {
    /// The wait before the same request, if the hub gave one.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let Error::Refused { retry_after, .. } = self else { return None };
        retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// Checks the size of a part of a request. A larger part would end the connection, or be refused.
    pub(crate) fn check_size(what: &str, bytes: usize, max: usize) -> Result<(), Self> {
        if bytes <= max {
            return Ok(());
        }
        let detail = format!("{what} has {bytes} bytes: at most {} KiB; send it in parts", max / 1024);
        Err(Error::Invalid(Refusal::new(ErrorCode::TooLarge, detail)))
    }

    /// The error for a refusal from the hub.
    pub(crate) fn refused(payload: orochi_protocol::incoming::ErrorPayload) -> Self {
        let detail = if payload.detail.is_empty() { "the hub gave no reason".to_owned() } else { payload.detail };
        Error::Refused { code: payload.code, detail, retry_after: payload.retry_after, status: payload.status }
    }
}
