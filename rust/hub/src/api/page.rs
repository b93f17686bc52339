//! The dashboard's page. It holds no data: that comes over `/api` and `/ws`, which ask for the token.

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

use crate::dashboard::INDEX_HTML;

/// Only our own files, no inline script or style, and no other host.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// GET /
pub async fn index() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // The page names its files by version; it must be asked for anew to name the right ones.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, Html(INDEX_HTML)).into_response()
}
