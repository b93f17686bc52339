//! The next page of a list: a `Link` header with `rel="next"` (RFC 8288).

use std::fmt::Display;

use axum::http::{HeaderName, HeaderValue, Uri, header};

/// The `Link` header.
pub type NextPage = [(HeaderName, HeaderValue); 1];

/// The request's own address with `name` set to `value`. The address is relative, so it also works behind a proxy.
pub fn next_page(uri: &Uri, name: &str, value: impl Display) -> Option<NextPage> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let kept = pairs.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
    let kept: String = kept.map(|pair| format!("{pair}&")).collect();
    let link = format!("<{}?{kept}{name}={value}>; rel=\"next\"", uri.path());
    // A request's address is always a valid header value.
    Some([(header::LINK, HeaderValue::from_str(&link).ok()?)])
}
