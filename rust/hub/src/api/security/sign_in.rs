//! The routes by which a browser signs in, renews its login, and signs out.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orochi_protocol::Timestamp;
use serde::Serialize;

use super::login::{Opened, SIGNED_OUT, seconds, whole_seconds};
use crate::api::App;
use crate::api::errors::{ApiError, Reason, Unauthorized};
use crate::api::request::body;
use crate::core::system_clock;

/// Largest body of `{"token": …}`; anybody may send it.
const SIGN_IN_BYTES_MAX: usize = 4 * 1024;

/// The answer of `GET /api/session`.
#[derive(Debug, Serialize)]
pub(crate) struct SignInState {
    signed_in: bool,
    token_required: bool,
    /// The reason why the browser is not signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

/// The answer of `PUT /api/session`.
#[derive(Debug, Serialize)]
struct Renewed {
    /// The login's new end.
    until: Timestamp,
    /// The end of all renewals.
    renewable_until: Timestamp,
}

/// The answer of `POST /api/session`.
#[derive(Debug, Serialize)]
struct Key<'a> {
    key: &'a str,
}

/// GET /api/session: whether this browser is signed in and has to be. Open to anyone.
pub(crate) async fn show(State(app): State<App>, headers: HeaderMap) -> Json<SignInState> {
    let token_required = app.auth.asks_for_token();
    let reason = if token_required { app.logins.judge(&headers).err() } else { None };
    Json(SignInState { signed_in: reason.is_none(), token_required, reason })
}

/// POST /api/session: answers `{"token"}` with a cookie and a key.
pub(crate) async fn sign_in(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    let body = body::read_at_most(body, SIGN_IN_BYTES_MAX).await?;
    let token = body::fields(&body)?.required_text("token")?;
    if !app.auth.is_token(token.trim().as_bytes()) {
        let detail = "that is not this hub's token: use the OROCHI_TOKEN with which the hub was started";
        return Ok(Unauthorized { reason: Reason::WrongToken, detail }.into_response());
    }
    let Opened { cookie, key } = app.logins.open(app.is_behind_tls(&headers));
    Ok(([(header::SET_COOKIE, cookie)], Json(Key { key: &key })).into_response())
}

/// PUT /api/session: renews this login, up to 30 days after its sign-in.
pub(crate) async fn renew(State(app): State<App>, headers: HeaderMap) -> Response {
    let login = match app.logins.judge(&headers) {
        Ok(login) => login,
        Err(reason) => return Unauthorized::because(reason).into_response(),
    };
    let now = seconds(system_clock());
    let until = login.renew(now);
    let named = format!("{}.{}", login.began, login.nonce);
    let cookie = app.logins.login_cookie(&named, until, now, app.is_behind_tls(&headers));
    let time = |seconds: i64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    let answer = Renewed { until: time(until), renewable_until: time(login.bound()) };
    ([(header::SET_COOKIE, cookie)], Json(answer)).into_response()
}

/// DELETE /api/session: signs out this login only. It stays signed out after a restart.
pub(crate) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    let mut stored = Ok(());
    if let Some(login) = app.logins.login(&headers) {
        login.end();
        let bound = login.bound();
        stored = app.core.end_login(login.nonce, bound).await;
    }
    let seconds_kept = whole_seconds(app.logins.lifetime());
    let cookie = app.logins.set_cookie(SIGNED_OUT, seconds_kept, app.is_behind_tls(&headers));
    let cookie = [(header::SET_COOKIE, cookie)];
    match stored {
        Ok(()) => (StatusCode::NO_CONTENT, cookie).into_response(),
        Err(refusal) => (cookie, ApiError(refusal)).into_response(),
    }
}
