//! The Host and Origin rules (section 2). A web page that somebody visits must not reach a hub on their machine: not by
//! requests across origins, and not by pointing its own name at the hub's address.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use orochi_protocol::names::shown;
use orochi_protocol::{ErrorCode, Refusal};

use crate::api::errors::ApiError;
use crate::api::security::token::Auth;

/// The dashboard's page. Links from anywhere may lead to it.
const PAGE: &str = "/";
/// Routes open to everyone: they reveal nothing, or check a signature.
const OPEN: [&str; 5] = ["/healthz", "/healthz/", "/readyz", "/readyz/", "/api/webhooks/gitea"];

/// The kind of address that the hub is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bind {
    /// Only addresses of this machine. A request with another host name was redirected here by its DNS.
    Loopback,
    /// An address that others can reach. Without a list of hosts, the hub accepts names that nobody on the internet can
    /// own.
    Reachable,
}

/// Endings of names that only a local network assigns (RFC 6762, RFC 8375, and ICANN's `.internal`).
const PRIVATE_ENDS: [&str; 3] = [".local", ".home.arpa", ".internal"];

/// The rules for `Host` and `Origin`.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    rules: Arc<Rules>,
}

#[derive(Debug)]
struct Rules {
    bind: Bind,
    /// In lower case, without default ports.
    origins: Vec<Origin>,
    /// In lower case. An entry without a port covers every port.
    hosts: Vec<Authority>,
    own_name: String,
}

/// A request without its body.
#[derive(Debug, Clone, Copy)]
struct Head<'a> {
    method: &'a Method,
    uri: &'a Uri,
    version: Version,
    headers: &'a HeaderMap,
    /// The request has the hub's token, which a malicious page does not know.
    has_token: bool,
}

/// An accepted request.
#[derive(Debug, PartialEq, Eq)]
enum Admitted {
    /// A program, or the hub's own page.
    Plain,
    /// A page of a listed origin. The browser expects the origin in the answer.
    CrossOrigin(HeaderValue),
}

impl Guard {
    /// `origins` are written as browsers send them, `hosts` with or without a port.
    pub(crate) fn new(bind: Bind, origins: &[String], hosts: &[String]) -> Self {
        Self::named(bind, origins, hosts, &gethostname::gethostname().to_string_lossy())
    }

    /// Does the same as [`Guard::new`] on a machine with this name.
    fn named(bind: Bind, origins: &[String], hosts: &[String], own_name: &str) -> Self {
        let origins = origins.iter().filter_map(|text| Origin::parse(text)).collect();
        let hosts = hosts.iter().map(|text| Authority::parse(text)).collect();
        let own_name = own_name.to_ascii_lowercase();
        Self { rules: Arc::new(Rules { bind, origins, hosts, own_name }) }
    }

    fn check(&self, head: &Head<'_>) -> Result<Admitted, Refusal> {
        let host = self.check_host(head)?;
        let admitted = self.check_origin(host.as_ref(), head.headers)?;
        if admitted == Admitted::Plain {
            check_site(head)?;
        }
        Ok(admitted)
    }

    fn check_host(&self, head: &Head<'_>) -> Result<Option<Authority>, Refusal> {
        let Some(text) = host_text(head)? else { return Ok(None) };
        let host = Authority::parse(&text);
        let Rules { bind, hosts, own_name, .. } = &*self.rules;
        if host.is_loopback() || hosts.iter().any(|allowed| allowed.covers(&host)) {
            return Ok(Some(host));
        }
        let is_unlisted = *bind == Bind::Reachable && hosts.is_empty();
        if is_unlisted && (host.is_private() || host.host == *own_name || head.has_token || is_open(head)) {
            return Ok(Some(host));
        }
        let way_out = if is_unlisted { "use its address or its own name" } else { "use localhost" };
        let detail = format!(
            "the Host {} does not name this machine: {way_out}, or list the name in OROCHI_ALLOWED_HOSTS",
            shown(&text)
        );
        Err(Refusal::new(ErrorCode::ForbiddenHost, detail))
    }

    fn check_origin(&self, host: Option<&Authority>, headers: &HeaderMap) -> Result<Admitted, Refusal> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let Some(value) = values.next() else { return Ok(Admitted::Plain) };
        let origin = value.to_str().ok().filter(|_| values.next().is_none()).and_then(Origin::parse);
        match origin {
            Some(origin) if host.is_some_and(|host| origin.is_at(host)) => Ok(Admitted::Plain),
            Some(origin) if self.rules.origins.contains(&origin) => Ok(Admitted::CrossOrigin(value.clone())),
            _ => {
                let seen = shown(&String::from_utf8_lossy(value.as_bytes()));
                let detail = format!(
                    "the Origin {seen} is not the host that the request was sent to: list it in \
                     OROCHI_ALLOWED_ORIGINS if its pages may call this hub"
                );
                Err(Refusal::new(ErrorCode::ForbiddenOrigin, detail))
            }
        }
    }
}

/// Checks each request's Host and Origin, and answers preflight requests from listed origins.
pub(crate) async fn admit(State((guard, auth)): State<(Guard, Auth)>, request: Request, next: Next) -> Response {
    let (method, uri, version) = (request.method(), request.uri(), request.version());
    let headers = request.headers();
    let has_token = auth.asks_for_token() && auth.allows(uri, headers);
    match guard.check(&Head { method, uri, version, headers, has_token }) {
        Err(refusal) => ApiError(refusal).into_response(),
        Ok(Admitted::Plain) => next.run(request).await,
        Ok(Admitted::CrossOrigin(origin)) => {
            let asks = request.method() == Method::OPTIONS
                && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
            let mut response = if asks { preflight() } else { next.run(request).await };
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::VARY, HeaderValue::from_static("origin"));
            response
        }
    }
}

/// Refuses requests that a browser sends for another site's page without an `Origin`: pictures, links, `no-cors`
/// requests. Programs send no `Sec-Fetch-Site`; a browser sends `none` for an address that its user typed.
fn check_site(head: &Head<'_>) -> Result<(), Refusal> {
    let is_only = |name: &str, text: &str| {
        let mut values = head.headers.get_all(name).iter();
        values.next().is_some_and(|value| value == text) && values.next().is_none()
    };
    let site = "sec-fetch-site";
    if !head.headers.contains_key(site) || is_only(site, "same-origin") || is_only(site, "none") {
        return Ok(());
    }
    let path = head.uri.path();
    let is_visit = is_only("sec-fetch-mode", "navigate") && is_only("sec-fetch-dest", "document");
    if is_open(head) || (path == PAGE && is_visit && head.method == Method::GET) {
        return Ok(());
    }
    let detail = "the request was made by a page of another site (Sec-Fetch-Site): only the hub's own page may call it, \
                  and pages whose origin is listed in OROCHI_ALLOWED_ORIGINS, by requests that name it";
    Err(Refusal::new(ErrorCode::ForbiddenOrigin, detail))
}

fn is_open(head: &Head<'_>) -> bool {
    OPEN.contains(&head.uri.path())
}

/// Answers a preflight: pages of a listed origin may use the routes, with the token in a header. Cookies are not sent
/// across origins.
fn preflight() -> Response {
    let allowed: [(HeaderName, HeaderValue); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type")),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

/// The host of a request, from its address, which wins, or from its `Host` header (RFC 9112, section 3.2).
fn host_text(head: &Head<'_>) -> Result<Option<String>, Refusal> {
    let Head { uri, version, headers, .. } = *head;
    let bad = |detail: &str| Err(Refusal::new(ErrorCode::ParseError, detail));
    let mut values = headers.get_all(header::HOST).iter();
    let host = match (values.next(), values.next()) {
        (None, _) if version >= Version::HTTP_11 => {
            return bad("the request has no Host header: HTTP/1.1 requires one");
        }
        (None, _) => None,
        (Some(_), Some(_)) => return bad("the request has two Host headers: send one"),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Some(text.to_owned()),
            Err(_) => return bad("the Host header is not readable as text"),
        },
    };
    Ok(uri.authority().map(ToString::to_string).or(host))
}

/// A host with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    /// In lower case. An IPv6 address has its brackets.
    host: String,
    port: Option<String>,
}

impl Authority {
    fn parse(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        let (host, port) = match text.rsplit_once(':') {
            // Colons inside brackets belong to an IPv6 address.
            Some((host, port)) if !port.contains(']') => (host, Some(port.to_owned()).filter(|port| !port.is_empty())),
            _ => (text.as_str(), None),
        };
        // A resolver reads `localhost.` as `localhost`.
        Self { host: host.strip_suffix('.').unwrap_or(host).to_owned(), port }
    }

    /// Returns whether the name means only this machine. Browsers resolve every name under `.localhost` to it.
    fn is_loopback(&self) -> bool {
        let bare = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        match bare.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }

    /// Returns whether nobody on the internet can own the name and point it at this hub. That holds for addresses and
    /// for names that only the local network assigns, such as those of services in Compose and Kubernetes.
    fn is_private(&self) -> bool {
        let bare = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        let is_name =
            !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        bare.parse::<IpAddr>().is_ok()
            || (is_name && (!bare.contains('.') || PRIVATE_ENDS.iter().any(|end| bare.ends_with(end))))
    }

    /// Returns whether this list entry matches `host`.
    fn covers(&self, host: &Authority) -> bool {
        self.host == host.host && (self.port.is_none() || self.port == host.port)
    }

    fn without_default_port(mut self, scheme: &str) -> Self {
        self.port = self.port.filter(|port| Some(port.as_str()) != default_port(scheme));
        self
    }
}

/// A web page's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    authority: Authority,
}

impl Origin {
    /// None for texts that are no origin, and for `null`, which browsers send for a page with a hidden origin.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.trim().split_once("://")?;
        if scheme.is_empty() || authority.is_empty() || authority.contains(['/', '?', '#', '@']) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let authority = Authority::parse(authority).without_default_port(&scheme);
        Some(Self { scheme, authority })
    }

    /// Returns whether a page of this origin came from `host`. The scheme is not compared: behind a TLS proxy, the hub
    /// can't know the scheme.
    fn is_at(&self, host: &Authority) -> bool {
        default_port(&self.scheme).is_some() && self.authority == host.clone().without_default_port(&self.scheme)
    }
}

/// The default port of a web scheme; None for schemes that no web page has.
fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "http" => Some("80"),
        "https" => Some("443"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head<'a>(version: Version, uri: &'a Uri, headers: &'a HeaderMap) -> Head<'a> {
        Head { method: &Method::GET, uri, version, headers, has_token: false }
    }

    fn check(bind: Bind, host: Option<&str>, origin: Option<&str>) -> Result<Admitted, ErrorCode> {
        let guard = Guard::new(
            bind,
            &["https://app.example.com".to_owned(), "http://dev.lab:80".to_owned()],
            &["hub.lab".to_owned(), "proxy.lab:8443".to_owned()],
        );
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let uri = Uri::from_static("/api/agents");
        guard.check(&head(Version::HTTP_11, &uri, &headers)).map_err(|refusal| refusal.code)
    }

    #[test]
    fn only_names_of_this_machine_and_listed_ones_pass() {
        for host in [
            "localhost",
            "LOCALHOST:9559",
            "localhost.",
            "hub.localhost:1",
            "127.0.0.1",
            "127.8.9.1:9559",
            "[::1]",
            "[::1]:9559",
            "[::ffff:127.0.0.1]:9559",
            "hub.lab",
            "Hub.Lab:9559",
            "proxy.lab:8443",
        ] {
            assert_eq!(check(Bind::Loopback, Some(host), None), Ok(Admitted::Plain), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "127.0.0.1.evil.example",
            "192.0.2.1:9559",
            "[2001:db8::1]",
            "0.0.0.0:9559",
            "127.1",
            "proxy.lab",
            "proxy.lab:1",
            "",
            "[::1",
            "user@localhost",
        ] {
            assert_eq!(check(Bind::Loopback, Some(host), None), Err(ErrorCode::ForbiddenHost), "{host}");
            assert_eq!(check(Bind::Reachable, Some(host), None), Err(ErrorCode::ForbiddenHost), "{host}");
        }
    }

    #[test]
    fn host_on_a_reachable_address_may_be_any_that_nobody_on_the_internet_owns() {
        let guard = Guard::named(Bind::Reachable, &[], &[], "GPU-1.lab.example.edu");
        let check = |host: &'static str, path: &'static str, has_token: bool| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            let uri = Uri::from_static(path);
            let head = Head { has_token, ..head(Version::HTTP_11, &uri, &headers) };
            guard.check(&head).map_err(|refusal| (refusal.code, refusal.detail))
        };
        for host in [
            "localhost:9559",
            "192.0.2.1:9559",
            "[2001:db8::1]:8559",
            "orochi:9559",
            "gpu-1",
            "gpu-1.local",
            "orochi.default.svc.cluster.local:9559",
            "hub.home.arpa",
            "hub.internal",
            "gpu-1.lab.example.edu:8559",
        ] {
            assert_eq!(check(host, "/api/agents", false), Ok(Admitted::Plain), "{host}");
        }
        for host in ["evil.example", "192.0.2.1.evil.example", "evil.local.example", "", "a b", "[::1", "user@gpu-1"] {
            let (code, detail) = check(host, "/api/agents", false).unwrap_err();
            assert_eq!(code, ErrorCode::ForbiddenHost, "{host}");
            assert!(detail.contains("OROCHI_ALLOWED_HOSTS"), "{detail}");
        }
        // A malicious page has no token; open routes reveal nothing.
        assert_eq!(check("hub.example.com", "/api/agents", true), Ok(Admitted::Plain));
        assert_eq!(check("hub.example.com", "/healthz", false), Ok(Admitted::Plain));
    }

    #[test]
    fn a_page_may_call_only_the_host_it_came_from() {
        for (host, origin) in [
            ("localhost:8559", "http://localhost:8559"),
            ("LocalHost:8559", "http://localhost:8559"),
            ("[::1]:8559", "http://[::1]:8559"),
            ("hub.lab", "https://hub.lab"),
            ("hub.lab:443", "https://hub.lab"),
            ("hub.lab:80", "http://hub.lab"),
        ] {
            assert_eq!(check(Bind::Loopback, Some(host), Some(origin)), Ok(Admitted::Plain), "{host} {origin}");
        }
        for (host, origin) in [
            ("localhost:8559", "null"),
            ("localhost:8559", ""),
            ("localhost:8559", "localhost:8559"),
            ("localhost:8559", "http://localhost:3000"),
            ("localhost:8559", "http://localhost"),
            ("localhost:8559", "http://127.0.0.1:8559"),
            ("localhost:8559", "https://evil.example"),
            ("localhost:8559", "http://localhost:8559.evil.example"),
            ("localhost:8559", "http://evil.example/localhost:8559"),
            ("localhost:8559", "http://evil@localhost:8559"),
            ("localhost:8559", "chrome-extension://localhost:8559"),
            ("hub.lab:80", "https://hub.lab"),
            ("localhost:8559", "http://app.example.com"),
            ("localhost:8559", "https://app.example.com:444"),
        ] {
            for bind in [Bind::Loopback, Bind::Reachable] {
                let refused = Err(ErrorCode::ForbiddenOrigin);
                assert_eq!(check(bind, Some(host), Some(origin)), refused, "{host} {origin}");
            }
        }
    }

    #[test]
    fn a_listed_origin_passes_and_is_told_so() {
        for origin in ["https://app.example.com", "https://APP.example.com:443", "http://dev.lab"] {
            let admitted = check(Bind::Loopback, Some("localhost:8559"), Some(origin)).unwrap();
            assert_eq!(admitted, Admitted::CrossOrigin(origin.parse().unwrap()));
        }
        let elsewhere = check(Bind::Loopback, Some("evil.example"), Some("https://app.example.com"));
        assert_eq!(elsewhere, Err(ErrorCode::ForbiddenHost));
    }

    #[test]
    fn a_request_must_say_one_host() {
        assert_eq!(check(Bind::Reachable, None, None), Err(ErrorCode::ParseError));
        let guard = Guard::new(Bind::Loopback, &[], &[]);
        let root = Uri::from_static("/");
        let old = guard.check(&head(Version::HTTP_10, &root, &HeaderMap::new()));
        assert_eq!(old, Ok(Admitted::Plain));
        let mut two = HeaderMap::new();
        two.append(header::HOST, "localhost".parse().unwrap());
        two.append(header::HOST, "evil.example".parse().unwrap());
        let refused = guard.check(&head(Version::HTTP_11, &root, &two)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::ParseError);
    }

    #[test]
    fn the_host_in_the_address_wins() {
        let guard = Guard::new(Bind::Loopback, &[], &[]);
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
        let uri = Uri::from_static("http://evil.example/api/agents");
        let led = guard.check(&head(Version::HTTP_11, &uri, &headers));
        assert_eq!(led.unwrap_err().code, ErrorCode::ForbiddenHost);
    }
}
