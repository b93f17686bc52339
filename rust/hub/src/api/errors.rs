//! Refusals as HTTP answers (sections 7 and 10): the code's status and a JSON body.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use orochi_protocol::names::shown;
use orochi_protocol::reply::ErrorReply;
use orochi_protocol::{ErrorCode, Refusal};
use serde::Serialize;

use crate::core::unavailable;
use crate::gitea::Failure;
use crate::store::StoreError;

/// A refused request.
#[derive(Debug)]
pub(crate) struct ApiError(pub Refusal);

impl ApiError {
    pub(super) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self(Refusal::new(code, detail))
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self(unavailable(&error))
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(ErrorCode::ParseError, format!("the address can't be read: {rejection}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        respond(&ErrorReply::new(&self.0, None), self.0.code)
    }
}

/// The `reason` of a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// The request has neither a token nor a login.
    NoToken,
    /// The request's token is not the hub's.
    WrongToken,
    /// The request has one half of a login.
    Incomplete,
    /// The login has expired.
    Expired,
    /// The login was signed out.
    SignedOut,
    /// The hub's token was changed after the login.
    TokenChanged,
}

/// The refusal of a request with neither the token nor a valid login.
#[derive(Debug)]
pub(super) struct Unauthorized {
    /// The reason for programs.
    pub reason: Reason,
    /// The reason for people.
    pub detail: &'static str,
}

impl Unauthorized {
    /// Adds the sentence that belongs to the reason.
    pub(super) fn because(reason: Reason) -> Self {
        let detail = match reason {
            Reason::NoToken | Reason::WrongToken => {
                "the token is missing or wrong: give the hub's OROCHI_TOKEN as Authorization: Bearer, or as ?token="
            }
            Reason::Incomplete => {
                "the request has only one half of a login: send the cookie and Orochi-Session-Key, or sign in"
            }
            Reason::Expired => "this login has expired: sign in again",
            Reason::SignedOut => "this login was signed out: sign in again",
            Reason::TokenChanged => "the hub's token was changed since this login: sign in with the new one",
        };
        Self { reason, detail }
    }
}

impl IntoResponse for Unauthorized {
    fn into_response(self) -> Response {
        let code = ErrorCode::AuthFailed;
        let body = UnauthorizedBody { code: code.as_str(), detail: self.detail, reason: self.reason };
        let headers = [(header::WWW_AUTHENTICATE, "Bearer")];
        (StatusCode::UNAUTHORIZED, headers, Json(body)).into_response()
    }
}

#[derive(Serialize)]
struct UnauthorizedBody<'a> {
    code: &'a str,
    detail: &'a str,
    reason: Reason,
}

impl From<ApiError> for GiteaError {
    fn from(error: ApiError) -> Self {
        Self(error.0.into())
    }
}

/// A call to Gitea that failed; the body has Gitea's own status.
#[derive(Debug)]
pub(super) struct GiteaError(pub Failure);

impl From<Refusal> for GiteaError {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

impl IntoResponse for GiteaError {
    fn into_response(self) -> Response {
        let Failure { refusal, status, .. } = self.0;
        respond(&ErrorReply { status, ..ErrorReply::new(&refusal, None) }, refusal.code)
    }
}

fn respond(reply: &ErrorReply<'_>, code: ErrorCode) -> Response {
    let status = StatusCode::from_u16(code.http_status()).expect("the table of codes holds HTTP statuses");
    let mut response = (status, Json(reply)).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = reply.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Answers 404 on the dashboard's port.
pub(super) async fn no_route(uri: Uri) -> ApiError {
    not_found(&uri, "see the table of routes in the protocol's section 7")
}

/// Answers 404 on the agent port. The text helps people who swapped the ports.
pub(super) async fn no_route_for_agents(uri: Uri) -> ApiError {
    not_found(&uri, "this is the agents' port, for WebSockets and /api; the dashboard is on its own port")
}

/// Answers 405; axum adds `Allow`.
pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let path = shown(uri.path());
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        format!("{path} does not accept {method}: use a method from the Allow header"),
    )
}

fn not_found(uri: &Uri, hint: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is nothing at {}: {hint}", shown(uri.path())))
}
