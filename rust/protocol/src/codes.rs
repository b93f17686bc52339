//! All codes of the wire protocol in one table: error codes (section 3), close codes, HTTP statuses.

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal, $retry:ident;)*) => {
        /// The reason why a request was refused (section 3). Its text is the value of `payload.code`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the protocol's table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The code's text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text,)* }
            }

            /// The code with this text; None if this version does not have it.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(ErrorCode::$variant),)*
                    _ => None,
                }
            }

            /// The HTTP status that carries this code (sections 7 and 10).
            pub const fn http_status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }

            /// Returns whether the same request, unchanged, can succeed later.
            pub const fn retry_helps(self) -> bool {
                match self { $(ErrorCode::$variant => error_codes!(@$retry),)* }
            }
        }
    };
    (@retry) => { true };
    (@final) => { false };
}

error_codes! {
    /// Not JSON, not an object, no `type`, or an envelope field of the wrong JSON type.
    ParseError = "PARSE_ERROR", 400, final;
    /// A `type` that the protocol does not have.
    UnknownType = "UNKNOWN_TYPE", 422, final;
    /// The request needs a register on this connection first.
    NotRegistered = "NOT_REGISTERED", 403, final;
    /// A second register under another name on one connection.
    AlreadyRegistered = "ALREADY_REGISTERED", 409, final;
    /// `sender` is not the registered name.
    SenderMismatch = "SENDER_MISMATCH", 422, final;
    /// An agent name that section 4 does not allow.
    InvalidName = "INVALID_NAME", 422, final;
    /// A channel name that section 4 does not allow, or a direct message to oneself.
    InvalidChannel = "INVALID_CHANNEL", 422, final;
    /// A required field is absent.
    MissingField = "MISSING_FIELD", 422, final;
    /// A field has a value or JSON type that is not allowed.
    InvalidField = "INVALID_FIELD", 422, final;
    /// A position is beyond the log's newest message, so it belongs to a newer copy of the log.
    ResumeBeyond = "RESUME_BEYOND", 422, final;
    /// A field is over its size.
    TooLarge = "TOO_LARGE", 413, final;
    /// The requester may not do or see this.
    Forbidden = "FORBIDDEN", 403, final;
    /// The request's `Origin` is not allowed.
    ForbiddenOrigin = "FORBIDDEN_ORIGIN", 403, final;
    /// The request's `Host` is not allowed.
    ForbiddenHost = "FORBIDDEN_HOST", 403, final;
    /// Too many requests; `retry_after` gives the wait.
    RateLimited = "RATE_LIMITED", 429, retry;
    /// This sender's id is in the log with other content.
    IdReused = "ID_REUSED", 409, final;
    /// The disk refused the write; nothing was accepted.
    StoreUnavailable = "STORE_UNAVAILABLE", 503, retry;
    /// The hub is stopping.
    ShuttingDown = "SHUTTING_DOWN", 503, retry;
    /// The token is wrong or missing.
    AuthFailed = "AUTH_FAILED", 401, final;
    /// `conflict: "refuse"` and the name is online.
    NameInUse = "NAME_IN_USE", 409, retry;
    /// Another connection registered this name with `conflict: "replace"`.
    SessionReplaced = "SESSION_REPLACED", 409, final;
    /// No such page or message.
    NotFound = "NOT_FOUND", 404, final;
    /// The page exists, but not for this HTTP method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, final;
    /// A gitea action that section 8 does not have.
    GiteaUnknownAction = "GITEA_UNKNOWN_ACTION", 422, final;
    /// A gitea action without one of its parameters.
    GiteaMissingParam = "GITEA_MISSING_PARAM", 422, final;
    /// Gitea refused; `status` and `detail` are its own.
    GiteaApiError = "GITEA_API_ERROR", 502, final;
    /// Gitea did not answer, or not as Gitea does.
    GiteaUnavailable = "GITEA_UNAVAILABLE", 503, retry;
    /// Too many calls to Gitea are under way.
    GiteaBusy = "GITEA_BUSY", 503, retry;
    /// The hub has no Gitea token.
    GiteaNotConfigured = "GITEA_NOT_CONFIGURED", 503, final;
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error code as a client reads it. 0.1.0 has codes of its own, and a newer hub may have more than this version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ReceivedCode {
    /// A code of this version.
    Known(ErrorCode),
    /// Any other text.
    Other(String),
}

impl ReceivedCode {
    /// The code's text on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            ReceivedCode::Known(code) => code.as_str(),
            ReceivedCode::Other(text) => text,
        }
    }
}

impl Default for ReceivedCode {
    fn default() -> Self {
        ReceivedCode::Other(String::new())
    }
}

impl From<String> for ReceivedCode {
    fn from(text: String) -> Self {
        ErrorCode::parse(&text).map_or(ReceivedCode::Other(text), ReceivedCode::Known)
    }
}

impl From<ErrorCode> for ReceivedCode {
    fn from(code: ErrorCode) -> Self {
        ReceivedCode::Known(code)
    }
}

impl PartialEq<ErrorCode> for ReceivedCode {
    fn eq(&self, code: &ErrorCode) -> bool {
        matches!(self, ReceivedCode::Known(known) if known == code)
    }
}

impl std::fmt::Display for ReceivedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The WebSocket close codes that the hub uses (section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    /// The hub is stopping.
    GoingAway,
    /// A frame was over [`crate::limits::FRAME_BYTES_MAX`].
    TooBig,
    /// The token is wrong or missing.
    AuthFailed,
    /// Nothing arrived for 60 s, not even a pong.
    Silent,
    /// Nothing could be written for 60 s.
    TooSlow,
    /// A newer connection replaced this one.
    Replaced,
}

impl CloseCode {
    const ALL: [CloseCode; 6] = [
        CloseCode::GoingAway,
        CloseCode::TooBig,
        CloseCode::AuthFailed,
        CloseCode::Silent,
        CloseCode::TooSlow,
        CloseCode::Replaced,
    ];

    /// The code with this number; None if the hub does not use it.
    pub fn from_u16(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_u16() == number)
    }

    /// The number on the wire.
    pub const fn as_u16(self) -> u16 {
        match self {
            CloseCode::GoingAway => 1001,
            CloseCode::TooBig => 1009,
            CloseCode::AuthFailed => 4001,
            CloseCode::Silent => 4002,
            CloseCode::TooSlow => 4008,
            CloseCode::Replaced => 4009,
        }
    }

    /// The reason sent with it: under 123 bytes, as RFC 6455 section 5.5 requires.
    pub const fn reason(self) -> &'static str {
        match self {
            CloseCode::GoingAway => "hub stopping",
            CloseCode::TooBig => "frame over 1 MiB",
            CloseCode::AuthFailed => "authentication failed",
            CloseCode::Silent => "nothing came for 60 s, not even a pong",
            CloseCode::TooSlow => "nothing could be written for 60 s",
            CloseCode::Replaced => "replaced by a newer session",
        }
    }
}

/// A refused request: a code for programs and a sentence for people (section 3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    pub code: ErrorCode,
    /// The value seen and what to do, for a person.
    pub detail: String,
}

impl Refusal {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_its_own_text_and_serialises_to_it() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code} stands twice");
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
        }
    }

    #[test]
    fn code_is_read_as_its_type_and_one_of_another_version_as_its_text() {
        for code in ErrorCode::ALL {
            let read: ReceivedCode = serde_json::from_str(&format!("\"{code}\"")).unwrap();
            assert_eq!(read, *code);
        }
        let other: ReceivedCode = serde_json::from_str("\"GITEA_ERROR\"").unwrap();
        assert_eq!((other.to_string().as_str(), other == ErrorCode::GiteaApiError), ("GITEA_ERROR", false));
    }

    #[test]
    fn close_code_is_read_from_its_number() {
        assert!(CloseCode::ALL.iter().all(|code| CloseCode::from_u16(code.as_u16()) == Some(*code)));
        assert_eq!(CloseCode::from_u16(1000), None);
    }
}
