//! Signing in from a browser (section 2): the token is given once, for a login that ends by itself.
//!
//! A login has two halves. The cookie, `until.nonce.signature`, is not readable by scripts, but a browser sends it to
//! every server on the host name, whatever its port. The key is derived from the cookie's text. The page keeps it in
//! its origin's storage, which no other port can read, and sends it with each request. One half alone opens nothing.
//!
//! Both are signed with a key of the log's and the token's, so a restarted hub knows its logins, and a hub whose token
//! was changed knows none. Only ended logins are stored, in the log, until they would have expired.
//!
//! Wrong tokens are not counted: the same token opens every route, and a count shared by all would let any web page
//! in anyone's browser lock everybody out. What stands against guessing is a token that can't be guessed.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
use tokio::sync::watch;
use uuid::Uuid;

use crate::api::App;
use crate::api::errors::ApiError;
use crate::api::request::body;
use crate::config::Secret;
use crate::core::system_clock;
use crate::store::{ENDED_SESSIONS_MAX, SessionKey};

/// The header with the login's key.
const KEY_HEADER: &str = "orochi-session-key";
/// The same for a WebSocket, to which a page can add no header but a subprotocol.
const KEY_PROTOCOL: &str = "orochi-session.";
/// How long the link that the hub prints at its start can be used.
const LINK_MAX: Duration = Duration::from_secs(10 * 60);
/// A timer does not run while the machine sleeps, so the clock is read again this often.
const CLOCK_READ_EVERY: Duration = Duration::from_secs(60);
/// Bytes of `{"token": …}`; anybody may send them.
const SIGN_IN_BYTES_MAX: usize = 4 * 1024;

/// The logins of this log under this token. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    key: hmac::Key,
    /// Named after the log: two hubs on one host have one cookie jar.
    cookie: String,
    /// How long a login is valid.
    lifetime: Duration,
    /// A std mutex: it is held to look something up, never over an await.
    held: Mutex<Held>,
    /// Changes when a login was ended.
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct Held {
    /// The nonces of ended logins, and until when, in seconds since 1970, each would be valid.
    ended: HashMap<String, i64>,
    /// The printed link's code, until it is used.
    link: Option<(String, Instant)>,
}

/// A new login's two halves.
#[derive(Debug)]
pub struct Opened {
    /// For `Set-Cookie`.
    pub cookie: String,
    /// For the page.
    pub key: String,
}

/// A valid login that a request showed both halves of.
#[derive(Debug, Clone)]
pub struct Login {
    sessions: Sessions,
    nonce: String,
    until: i64,
}

/// What `GET /api/session` tells anyone.
#[derive(Debug, Serialize)]
pub struct Standing {
    signed_in: bool,
    token_required: bool,
}

/// What `POST /api/session` answers.
#[derive(Debug, Serialize)]
struct Key<'a> {
    key: &'a str,
}

impl Sessions {
    /// The logins of a log under a token; `ended` are those that were signed out before.
    pub fn new(key: &SessionKey, token: &Secret, ended: HashMap<String, i64>, lifetime: Duration) -> Self {
        let of_log = hmac::Key::new(HMAC_SHA256, key.expose());
        let of_token = hmac::sign(&of_log, token.expose().as_bytes());
        let name = hex(hmac::sign(&of_log, b"cookie name").as_ref());
        Self {
            shared: Arc::new(Shared {
                key: hmac::Key::new(HMAC_SHA256, of_token.as_ref()),
                cookie: format!("orochi_session_{}", &name[..8]),
                lifetime,
                held: Mutex::new(Held { ended, link: None }),
                changed: watch::Sender::new(()),
            }),
        }
    }

    /// A new login; `secure` where the browser speaks TLS.
    pub fn open(&self, secure: bool) -> Opened {
        let seconds_valid = i64::try_from(self.shared.lifetime.as_secs()).unwrap_or(i64::MAX);
        let said = format!("{}.{}", seconds(system_clock()).saturating_add(seconds_valid), Uuid::new_v4().simple());
        let value = format!("{said}.{}", self.signature("cookie", &said));
        Opened { cookie: self.set_cookie(&value, seconds_valid, secure), key: self.signature("key", &said) }
    }

    /// The login of which the request shows both halves.
    pub fn login(&self, headers: &HeaderMap) -> Option<Login> {
        let now = seconds(system_clock());
        self.cookies(headers).find_map(|cookie| self.checked(cookie, headers, now))
    }

    /// A code that opens one login, for a link that is printed.
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

    fn checked(&self, cookie: &str, headers: &HeaderMap, now: i64) -> Option<Login> {
        let (said, signature) = cookie.rsplit_once('.')?;
        let is_equal = |seen: &str, right: &str| bool::from(seen.as_bytes().ct_eq(right.as_bytes()));
        if !is_equal(signature, &self.signature("cookie", said)) {
            return None;
        }
        let key = self.signature("key", said);
        if !keys(headers).any(|seen| is_equal(seen, &key)) {
            return None;
        }
        let (until, nonce) = said.split_once('.')?;
        let login = Login { sessions: self.clone(), nonce: nonce.to_owned(), until: until.parse().ok()? };
        (!login.is_over(now)).then_some(login)
    }

    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';'));
        pairs.filter_map(|pair| pair.trim().strip_prefix(self.shared.cookie.as_str())?.strip_prefix('='))
    }

    fn signature(&self, half: &str, said: &str) -> String {
        hex(hmac::sign(&self.shared.key, format!("{half} {said}").as_bytes()).as_ref())
    }

    fn set_cookie(&self, value: &str, seconds_valid: i64, secure: bool) -> String {
        let secure = if secure { "; Secure" } else { "" };
        let name = &self.shared.cookie;
        format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds_valid}{secure}")
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Login {
    /// Waits until the login was signed out, or has expired.
    pub async fn over(self) {
        let mut changes = self.sessions.shared.changed.subscribe();
        loop {
            let now = seconds(system_clock());
            if self.is_over(now) {
                return;
            }
            let left = Duration::from_secs(u64::try_from(self.until - now).unwrap_or(0));
            // The sender is held by `self`, so there is a next change or none at all.
            let _ = tokio::time::timeout(left.min(CLOCK_READ_EVERY), changes.changed()).await;
        }
    }

    fn is_over(&self, now: i64) -> bool {
        self.until <= now || self.sessions.held().ended.contains_key(&self.nonce)
    }

    /// Ends it in this process.
    fn end(&self) {
        let now = seconds(system_clock());
        let mut held = self.sessions.held();
        held.ended.retain(|_, until| *until > now);
        if held.ended.len() >= ENDED_SESSIONS_MAX {
            let first = held.ended.iter().min_by_key(|(_, until)| **until).map(|(nonce, _)| nonce.clone());
            first.map(|nonce| held.ended.remove(&nonce));
        }
        held.ended.insert(self.nonce.clone(), self.until);
        drop(held);
        self.sessions.shared.changed.send_replace(());
    }
}

/// GET /api/session: whether this browser is signed in, and whether it has to be. Open to anyone.
pub async fn standing(State(app): State<App>, headers: HeaderMap) -> Json<Standing> {
    let token_required = app.auth.asks_for_token();
    Json(Standing { signed_in: !token_required || app.sessions.login(&headers).is_some(), token_required })
}

/// POST /api/session: a cookie and a key for `{"token"}`.
pub async fn sign_in(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    let body = body::read_at_most(body, SIGN_IN_BYTES_MAX).await?;
    let token = body::fields(&body)?.required_text("token")?;
    if !app.auth.is_token(token.trim().as_bytes()) {
        let detail = "that is not this hub's token: it is what OROCHI_TOKEN was set to where the hub was started";
        return Err(ApiError::new(ErrorCode::AuthFailed, detail));
    }
    let Opened { cookie, key } = app.sessions.open(app.is_behind_tls(&headers));
    Ok(([(header::SET_COOKIE, cookie)], Json(Key { key: &key })).into_response())
}

/// DELETE /api/session: signs out this login, and no other. It stays signed out when the hub restarts.
pub async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    let mut stored = Ok(());
    if let Some(login) = app.sessions.login(&headers) {
        login.end();
        stored = app.core.end_session(login.nonce, login.until).await;
    }
    let cookie = [(header::SET_COOKIE, app.sessions.set_cookie("", 0, app.is_behind_tls(&headers)))];
    match stored {
        Ok(()) => (StatusCode::NO_CONTENT, cookie).into_response(),
        Err(refusal) => (cookie, ApiError(refusal)).into_response(),
    }
}

/// The keys that a request shows.
fn keys(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let text = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let protocols = text(header::SEC_WEBSOCKET_PROTOCOL.as_str()).flat_map(|value| value.split(','));
    text(KEY_HEADER).chain(protocols.filter_map(|protocol| protocol.trim().strip_prefix(KEY_PROTOCOL)))
}

fn seconds(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

/// 244 bits that nobody guesses.
fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn sessions(key: u8, token: &str) -> Sessions {
        Sessions::new(&SessionKey::from(vec![key; 32]), &token.into(), HashMap::new(), HOUR)
    }

    /// The request of a browser with this cookie (as `name=value`) and key.
    fn request(cookie: &str, key: &str) -> HeaderMap {
        let cookie = format!("a=b; {}", cookie.split(';').next().unwrap());
        HeaderMap::from_iter([
            (header::COOKIE, cookie.parse().unwrap()),
            (KEY_HEADER.parse().unwrap(), key.parse().unwrap()),
        ])
    }

    fn login(sessions: &Sessions, opened: &Opened) -> Option<Login> {
        sessions.login(&request(&opened.cookie, &opened.key))
    }

    #[test]
    fn session_is_valid_until_it_expires_also_after_a_restart() {
        let opened = sessions(1, "s3cret").open(false);
        let again = sessions(1, "s3cret");
        let login = login(&again, &opened).unwrap();
        assert!(!login.is_over(login.until - 1));
        assert!(login.is_over(login.until));
    }

    #[test]
    fn session_of_another_token_or_log_or_with_a_changed_half_is_refused() {
        let here = sessions(1, "s3cret");
        let opened = here.open(false);
        assert!(login(&sessions(1, "s3cret2"), &opened).is_none());
        assert!(login(&sessions(2, "s3cret"), &opened).is_none());
        let pair = opened.cookie.split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let (until, rest) = value.split_once('.').unwrap();
        let later = format!("{}.{rest}", until.parse::<i64>().unwrap() + 99);
        for bad in [later.as_str(), &value[..value.len() - 1], &format!("{value}0"), "", ".", "..", "x.y.z"] {
            assert!(here.login(&request(&format!("{name}={bad}"), &opened.key)).is_none(), "{bad}");
        }
        for bad in ["", "x", &opened.key[1..], &here.open(false).key, value.rsplit_once('.').unwrap().1] {
            assert!(here.login(&request(pair, bad)).is_none(), "{bad}");
        }
        assert!(login(&here, &opened).is_some());
    }

    #[test]
    fn session_end_concerns_one_login() {
        let here = sessions(1, "s3cret");
        let (one, other) = (here.open(false), here.open(false));
        login(&here, &one).unwrap().end();
        assert!(login(&here, &one).is_none());
        assert!(login(&here, &other).is_some());
    }
}
