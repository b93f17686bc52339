//! The token (section 2): finds it in a request and compares it.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use orochi_protocol::{ErrorCode, Refusal};
use percent_encoding::percent_decode_str;
use ring::hmac::{self, HMAC_SHA256};

use super::login::Logins;
use crate::api::errors::{ApiError, Reason, Unauthorized};
use crate::config::Secret;
use crate::ports::Peer;

/// Checks the token of requests.
#[derive(Debug, Clone)]
pub(crate) struct Auth {
    /// None if the hub requires no token.
    token: Option<Arc<Known>>,
}

/// The token as a key, and its signature of itself. Comparing signatures hides the token's length, because all
/// signatures have the same length.
struct Known {
    key: hmac::Key,
    signed: hmac::Tag,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

impl Auth {
    /// An empty token means that none is required.
    pub(crate) fn new(token: &Secret) -> Self {
        let known = |token: &[u8]| {
            let key = hmac::Key::new(HMAC_SHA256, token);
            Known { signed: hmac::sign(&key, token), key }
        };
        Self { token: (!token.is_empty()).then(|| Arc::new(known(token.expose().as_bytes()))) }
    }

    /// Returns whether a request has the token in its address or headers. It may have several tokens, such as an old
    /// one that a browser remembers; one right one is enough.
    pub(crate) fn allows(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        self.token.is_none() || self.is_in_query(uri.query()) || self.is_in_header(headers)
    }

    /// Returns whether the request has any token, right or wrong.
    pub(crate) fn is_shown(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut values = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("token="));
        headers.contains_key(header::AUTHORIZATION) || values.any(|value| !value.is_empty())
    }

    /// Returns whether the hub requires a token.
    pub(crate) fn asks_for_token(&self) -> bool {
        self.token.is_some()
    }

    /// Returns whether the address has the token.
    pub(crate) fn is_in_query(&self, query: Option<&str>) -> bool {
        let values = query.unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("token="));
        // A plus is a plus here, not a space: 0.1.0's client does not encode the token.
        values.map(|raw| percent_decode_str(raw).collect::<Vec<u8>>()).any(|seen| self.is_token(&seen))
    }

    fn is_in_header(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::AUTHORIZATION)
            .iter()
            .filter_map(|value| bearer(value.as_bytes()))
            .any(|seen| self.is_token(seen))
    }

    /// Compares with the token, in constant time and without revealing its length.
    pub(crate) fn is_token(&self, seen: &[u8]) -> bool {
        // If no token is required, an empty one is right.
        self.token
            .as_ref()
            .map_or(seen.is_empty(), |known| hmac::verify(&known.key, seen, known.signed.as_ref()).is_ok())
    }
}

/// Accepts requests with the token, and reading requests from a browser that is signed in. All others get 401.
pub(crate) async fn require_token(
    State((auth, logins)): State<(Auth, Logins)>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_allowed = auth.allows(request.uri(), request.headers());
    let login = if is_allowed { None } else { Some(logins.judge(request.headers())) };
    if let Some(Err(reason)) = login {
        let is_shown = auth.is_shown(request.uri(), request.headers());
        return Unauthorized::because(if is_shown { Reason::WrongToken } else { reason }).into_response();
    }
    if !request.extensions().get::<Peer>().is_none_or(Peer::authenticate) {
        return no_seat().into_response();
    }
    if let Some(Ok(login)) = login {
        if !request.method().is_safe() {
            let detail = "a dashboard login is read-only: send the token to make changes";
            return ApiError(Refusal::new(ErrorCode::Forbidden, detail)).into_response();
        }
        // The connection of a WebSocket closes when its login ends.
        request.extensions_mut().insert(login);
    }
    next.run(request).await
}

/// The refusal of a request when the hub has no room for its connection.
pub(crate) fn no_seat() -> ApiError {
    ApiError::new(ErrorCode::RateLimited, "as many connections are open as the hub's system allows: try again later")
}

/// Extracts the token from `Bearer <token>`. The scheme is case-insensitive (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(token: &str, uri: &str, authorization: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        Auth::new(&token.into()).allows(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn the_token_is_taken_from_the_address_or_the_bearer_header() {
        for (token, uri, authorization) in [
            ("s3cret", "/?token=s3cret", None),
            ("s3cret", "/deep/path?agent=a&token=s3cret&x=1", None),
            ("s3cret", "/", Some("Bearer s3cret")),
            ("s3cret", "/", Some("bearer   s3cret")),
            ("s3cret", "/?token=old", Some("Bearer s3cret")),
            ("s3cret", "/?token=old&token=s3cret", None),
            ("s3cret", "/?token=s3cret", Some("Basic eDp5")),
            ("a+b/=&c%", "/?token=a+b/=%26c%25", None),
            ("a+b", "/?token=a%2Bb", None),
            ("ключ", "/?token=%D0%BA%D0%BB%D1%8E%D1%87", None),
        ] {
            assert!(allows(token, uri, authorization), "{token} {uri} {authorization:?}");
        }
    }

    #[test]
    fn anything_else_is_no_token() {
        for (uri, authorization) in [
            ("/", None),
            ("/?token", None),
            ("/?token=", None),
            ("/?token=s3cre", None),
            ("/?token=s3cretx", None),
            ("/?token=s3cret%00", None),
            ("/?token=S3CRET", None),
            ("/?xtoken=s3cret", None),
            ("/?Token=s3cret", None),
            ("/", Some("s3cret")),
            ("/", Some("Bearer")),
            ("/", Some("Bearer ")),
            ("/", Some("Bearers3cret")),
            ("/", Some("Basic s3cret")),
        ] {
            assert!(!allows("s3cret", uri, authorization), "{uri} {authorization:?}");
        }
    }

    #[test]
    fn an_empty_token_asks_for_none() {
        assert!(allows("", "/", None));
        assert!(allows("", "/?token=whatever", Some("Bearer x")));
    }
}
