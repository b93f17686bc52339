//! Signing in from a browser (section 2): the token is given once, for a cookie that can't be read by scripts and
//! ends by itself. Sessions are in memory: a hub that restarts asks again.
//!
//! Wrong tokens are not counted: the same token opens every route, and a count shared by all would let any web page
//! in anyone's browser lock everybody out. What stands against guessing is a token that can't be guessed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orochi_protocol::ErrorCode;
use serde::Serialize;
use uuid::Uuid;

use super::errors::ApiError;
use super::{App, body};

const COOKIE: &str = "orochi_session";
/// A working day.
const SESSION_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// How long the link that the hub prints at its start can be used.
const LINK_MAX: Duration = Duration::from_secs(10 * 60);
/// Sessions kept; a new one takes the place of the one that ends first.
const SESSIONS_MAX: usize = 1000;

/// Who is signed in. Cloning it is cheap; all clones share the sessions.
#[derive(Debug, Clone, Default)]
pub struct Sessions(Arc<Mutex<Held>>);

/// A std mutex: it is held to look something up, never over an await.
#[derive(Debug, Default)]
struct Held {
    /// Until when each is good.
    sessions: HashMap<String, Instant>,
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
    /// A session's cookie, for `Set-Cookie`.
    pub fn open(&self) -> String {
        let (id, now) = (secret(), Instant::now());
        let mut held = self.held();
        held.sessions.retain(|_, until| *until > now);
        if held.sessions.len() >= SESSIONS_MAX {
            let first = held.sessions.iter().min_by_key(|(_, until)| **until).map(|(id, _)| id.clone());
            first.map(|id| held.sessions.remove(&id));
        }
        held.sessions.insert(id.clone(), now + SESSION_MAX);
        format!("{COOKIE}={id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}", SESSION_MAX.as_secs())
    }

    /// Whether the request's cookie is of a session.
    pub fn has(&self, headers: &HeaderMap) -> bool {
        let (now, held) = (Instant::now(), self.held());
        cookies(headers).any(|id| held.sessions.get(id).is_some_and(|until| *until > now))
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

    fn close(&self, headers: &HeaderMap) {
        let mut held = self.held();
        for id in cookies(headers) {
            held.sessions.remove(id);
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

/// 244 bits that nobody guesses.
fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
