//! Refusals as HTTP answers (sections 7 and 10): the code's status and a JSON body, nothing else.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use orochi_protocol::names::shown;
use orochi_protocol::reply::ErrorReply;
use orochi_protocol::{ErrorCode, Refusal};

use crate::core::unavailable;
use crate::gitea::Failure;
use crate::store::StoreError;

/// A refused request.
#[derive(Debug)]
pub struct ApiError(pub Refusal);

impl ApiError {
    /// A refusal with this code and sentence.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
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

impl From<ApiError> for GiteaError {
    fn from(error: ApiError) -> Self {
        Self(error.0.into())
    }
}

/// A call to Gitea that was not done; the body has Gitea's own status.
#[derive(Debug)]
pub struct GiteaError(pub Failure);

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

/// No such page.
pub async fn no_page(uri: Uri) -> ApiError {
    not_found(&uri, "see the table of routes in the protocol's section 7")
}

/// No such page on the agent port, where people land who swap the ports.
pub async fn no_page_for_agents(uri: Uri) -> ApiError {
    not_found(&uri, "this is the agents' port, for WebSockets and /api; the dashboard is on its own port")
}

/// The page exists, but not for this method; axum adds `Allow`.
pub async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let path = shown(uri.path());
    ApiError::new(ErrorCode::MethodNotAllowed, format!("{method} is not for {path}: the Allow header says what is"))
}

fn not_found(uri: &Uri, hint: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is nothing at {}: {hint}", shown(uri.path())))
}
