//! The dashboard's page and its files. They hold no data: that comes over `/api` and `/ws`, which ask for the token.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use orochi_protocol::ErrorCode;
use percent_encoding::percent_decode_str;

use super::App;
use super::errors::ApiError;
use crate::dashboard;

/// Only our own files, no inline script or style, and no other host.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// GET /, which `?token=` or the printed link's `?login=` signs in: the address is then without them.
pub async fn index(State(app): State<App>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let is_right = match (value("token"), value("login")) {
        (None, None) => return show(),
        (Some(_), _) => app.auth.asks_for_token() && app.auth.is_in_query(Some(query)),
        (None, Some(code)) => app.sessions.take_link(&percent_decode_str(code).decode_utf8_lossy()),
    };
    let to = |place: &'static str| (StatusCode::SEE_OTHER, [(header::LOCATION, place)]);
    if is_right {
        return ([(header::SET_COOKIE, app.sessions.open())], to("/")).into_response();
    }
    if app.auth.asks_for_token() {
        return to("/#/signin/wrong").into_response();
    }
    to("/").into_response()
}

/// GET /assets/{version}/{path}
pub async fn asset(Path((version, path)): Path<(String, String)>) -> Response {
    let Some(file) = dashboard::file(&path).filter(|_| version == dashboard::version()) else {
        let detail = "the dashboard has no such file, or not in this version: load the page again";
        return ApiError::new(ErrorCode::NotFound, detail).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, file.content_type),
        // The version in the address changes with any of the files.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, file.content).into_response()
}

fn show() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // The page names its files by version; it must be asked for anew to name the right ones.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, Html(dashboard::index())).into_response()
}
