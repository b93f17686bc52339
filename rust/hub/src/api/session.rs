//! Signing in from a browser (section 2): the token is given once, for a cookie that can't be read by scripts and ends
//! by itself.
//!
//! A session is its cookie, `until.nonce.signature`, and nothing is kept of it. It is signed with a key of the log's
//! and the token's, so that a hub that restarts knows its sessions, and one whose token was changed knows none. Signing
//! out is remembered until the hub restarts; it also takes the cookie from the browser.
//!
//! Wrong tokens are not counted: the same token opens every route, and a count shared by all would let any web page
//! in anyone's browser lock everybody out. What stands against guessing is a token that can't be guessed.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orochi_protocol::{ErrorCode, Timestamp};
use ring::hmac::{self, HMAC_SHA256};
use serde::Serialize;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::errors::ApiError;
use super::{App, body};
use crate::config::Secret;
use crate::core::system_clock;
use crate::store::SessionKey;

const COOKIE: &str = "orochi_session";
/// A working day.
const SESSION_SECONDS: i64 = 12 * 60 * 60;
/// How long the link that the hub prints at its start can be used.
const LINK_MAX: Duration = Duration::from_secs(10 * 60);
/// Sessions of which it is remembered that they were ended; a new one takes the place of the one that ends first.
const ENDED_MAX: usize = 1000;

/// Who is signed in. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Sessions {
    key: Arc<hmac::Key>,
    held: Arc<Mutex<Held>>,
}

/// A std mutex: it is held to look something up, never over an await.
#[derive(Debug, Default)]
struct Held {
    /// The nonces of sessions that were ended, and until when, in seconds since 1970, each would be good.
    ended: HashMap<String, i64>,
    /// The printed link's code, until it is used.
    link: Option<(String, Instant)>,
}

/// What `GET /api/session` tells anyone.
#[derive(Debug, Serialize)]
pub struct Standing {
    signed_in: bool,
    token_required: bool,
}

impl Sessions {
    /// The sessions of a log under a token.
    pub fn new(key: &SessionKey, token: &Secret) -> Self {
        let of_log = hmac::Key::new(HMAC_SHA256, key.expose());
        let of_token = hmac::sign(&of_log, token.expose().as_bytes());
        Self { key: Arc::new(hmac::Key::new(HMAC_SHA256, of_token.as_ref())), held: Arc::default() }
    }

    /// A session's cookie, for `Set-Cookie`.
    pub fn open(&self) -> String {
        let session = self.signed(seconds(system_clock()) + SESSION_SECONDS);
        format!("{COOKIE}={session}; HttpOnly; SameSite=Strict; Path=/; Max-Age={SESSION_SECONDS}")
    }

    /// Whether the request's cookie is of a session.
    pub fn has(&self, headers: &HeaderMap) -> bool {
        let now = seconds(system_clock());
        cookies(headers).any(|cookie| self.checked(cookie, now).is_some())
    }

    /// A code that opens one session, for a link that is printed.
    pub fn link_code(&self) -> String {
        let code = secret();
        self.held().link = Some((code.clone(), Instant::now() + LINK_MAX));
        code
    }

    /// Uses up the printed link's code.
    pub fn take_link(&self, code: &str) -> bool {
        let mut held = self.held();
        let is_it = held.link.as_ref().is_some_and(|(known, until)| known == code && *until > Instant::now());
        if is_it {
            held.link = None;
        }
        is_it
    }

    fn signed(&self, until: i64) -> String {
        let said = format!("{until}.{}", Uuid::new_v4().simple());
        format!("{said}.{}", self.signature(&said))
    }

    fn signature(&self, said: &str) -> String {
        let mut digits = String::with_capacity(64);
        for byte in hmac::sign(&self.key, said.as_bytes()).as_ref() {
            let _ = write!(digits, "{byte:02x}");
        }
        digits
    }

    /// The nonce of a session that is good at `now`, and until when it is.
    fn checked<'a>(&self, cookie: &'a str, now: i64) -> Option<(&'a str, i64)> {
        let (said, signature) = cookie.rsplit_once('.')?;
        if !bool::from(self.signature(said).as_bytes().ct_eq(signature.as_bytes())) {
            return None;
        }
        let (until, nonce) = said.split_once('.')?;
        let until: i64 = until.parse().ok()?;
        (until > now && !self.held().ended.contains_key(nonce)).then_some((nonce, until))
    }

    fn close(&self, headers: &HeaderMap) {
        let now = seconds(system_clock());
        for (nonce, until) in cookies(headers).filter_map(|cookie| self.checked(cookie, now)) {
            let mut held = self.held();
            held.ended.retain(|_, until| *until > now);
            if held.ended.len() >= ENDED_MAX {
                let first = held.ended.iter().min_by_key(|(_, until)| **until).map(|(nonce, _)| nonce.clone());
                first.map(|nonce| held.ended.remove(&nonce));
            }
            held.ended.insert(nonce.to_owned(), until);
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// GET /api/session: whether this browser is signed in, and whether it has to be. Open to anyone.
pub async fn standing(State(app): State<App>, headers: HeaderMap) -> Json<Standing> {
    let token_required = app.auth.asks_for_token();
    Json(Standing { signed_in: !token_required || app.sessions.has(&headers), token_required })
}

/// POST /api/session: a cookie for `{"token"}`.
pub async fn sign_in(State(app): State<App>, body: Body) -> Result<Response, ApiError> {
    let body = body::read(body).await?;
    let token = body::fields(&body)?.required_text("token")?;
    if !app.auth.is_token(token.trim().as_bytes()) {
        let detail = "that is not this hub's token: it is what OROCHI_TOKEN was set to where the hub was started";
        return Err(ApiError::new(ErrorCode::AuthFailed, detail));
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.sessions.open())]).into_response())
}

/// DELETE /api/session: signs out.
pub async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    app.sessions.close(&headers);
    let gone = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn seconds(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

/// 244 bits that nobody guesses.
fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn sessions(key: u8, token: &str) -> Sessions {
        Sessions::new(&SessionKey::from(vec![key; 32]), &token.into())
    }

    #[test]
    fn a_session_is_good_until_its_end_also_for_a_hub_that_was_started_again() {
        let cookie = sessions(1, "s3cret").signed(NOW + 10);
        let again = sessions(1, "s3cret");
        assert!(again.checked(&cookie, NOW).is_some());
        assert!(again.checked(&cookie, NOW + 10).is_none());
    }

    #[test]
    fn a_session_of_another_token_or_log_or_that_somebody_changed_is_none() {
        let here = sessions(1, "s3cret");
        let cookie = here.signed(NOW + 10);
        assert!(sessions(1, "s3cret2").checked(&cookie, NOW).is_none());
        assert!(sessions(2, "s3cret").checked(&cookie, NOW).is_none());
        let later = cookie.replacen(&(NOW + 10).to_string(), &(NOW + 99).to_string(), 1);
        for bad in [later.as_str(), &cookie[..cookie.len() - 1], &format!("{cookie}0"), "", ".", "..", "x.y.z"] {
            assert!(here.checked(bad, NOW).is_none(), "{bad}");
        }
    }

    #[test]
    fn who_signed_out_is_out_and_nobody_else() {
        let here = sessions(1, "s3cret");
        let until = seconds(system_clock()) + 1000;
        let (one, other) = (here.signed(until), here.signed(until));
        let with = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("a=b; {COOKIE}={cookie}").parse().unwrap());
            headers
        };
        here.close(&with(&one));
        assert!(!here.has(&with(&one)));
        assert!(here.has(&with(&other)));
    }
}
