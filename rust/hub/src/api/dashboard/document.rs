//! The dashboard's document and its files. They have no data: that comes over `/api` and `/ws`, which
//! require the token.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use orochi_protocol::ErrorCode;
use percent_encoding::percent_decode_str;

use crate::api::App;
use crate::api::dashboard::assets;
use crate::api::errors::ApiError;
use crate::api::security::login::Opened;

/// Allows only our own files, no inline script or style, and no other host.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// GET /. With `?token=` or the printed link's `?login=` it signs in, and redirects to the address without them.
pub(crate) async fn index(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let query = uri.query().unwrap_or_default();
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let is_right = match (value("token"), value("login")) {
        (None, None) => return show(&headers),
        (Some(_), _) => app.auth.asks_for_token() && app.auth.is_in_query(Some(query)),
        (None, Some(code)) => app.logins.take_link(&percent_decode_str(code).decode_utf8_lossy()),
    };
    // Relative, because behind a proxy the dashboard may be below another path.
    let to = |address: &str| (StatusCode::SEE_OTHER, [(header::LOCATION, address.to_owned())]);
    if is_right {
        let Opened { cookie, key } = app.logins.open(app.is_behind_tls(&headers));
        // The dashboard removes the key from its address. The key is not behind a #, because a browser keeps that part
        // over a redirect.
        return ([(header::SET_COOKIE, cookie)], to(&format!("./?signed-in={key}"))).into_response();
    }
    if app.auth.asks_for_token() {
        return to("./#/signin/wrong").into_response();
    }
    to("./").into_response()
}

/// GET /assets/{version}/{path}
pub(crate) async fn asset(Path((version, path)): Path<(String, String)>, asked: HeaderMap) -> Response {
    let Some(file) = assets::file(&path).filter(|_| version == assets::version()) else {
        let detail = "the dashboard has no such file, or not in this version: load the page again";
        return ApiError::new(ErrorCode::NotFound, detail).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, file.content_type),
        // The version in the address changes with any of the files.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, content(&path, file.content, &asked)).into_response()
}

fn show(asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", assets::index_hash());
    let is_known = values(asked, header::IF_NONE_MATCH).any(|known| known.trim_start_matches("W/") == tag);
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // The document names its files by version, so a browser must ask whether its copy is still valid.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::ETAG, HeaderValue::try_from(tag).expect("a number in quotes is a header's value")),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, content("", assets::index(), asked)).into_response()
}

/// Answers with the text, compressed if the client accepts that.
fn content(path: &str, text: &'static str, asked: &HeaderMap) -> Response {
    let vary = (header::VARY, "Accept-Encoding");
    let takes_gzip = values(asked, header::ACCEPT_ENCODING).any(|coding| takes(coding, "gzip"));
    match assets::compressed(path).filter(|_| takes_gzip) {
        Some(bytes) => ([vary, (header::CONTENT_ENCODING, "gzip")], bytes).into_response(),
        None => ([vary], text).into_response(),
    }
}

/// Returns whether one part of Accept-Encoding names this coding and does not refuse it (`;q=0`).
fn takes(part: &str, coding: &str) -> bool {
    let (name, weight) = part.split_once(';').unwrap_or((part, ""));
    let is_refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
    name.trim().eq_ignore_ascii_case(coding) && !is_refused
}

fn values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}
