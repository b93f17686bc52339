//! Requests from web pages that a user visits, and the security headers of every answer.

use axum::http::header;
use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::{TestHub, send, send_raw};

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_page_of_another_origin_is_refused_on_both_ports_upgrades_too() {
    let hub = TestHub::open().await;
    for origin in ["https://evil.example", "null", "http://localhost:3000"] {
        let requests = [
            hub.request("GET", "/api/agents"),
            hub.request("POST", "/api/messages").body(r#"{"sender":"x","channel":"c","content":"x"}"#),
            hub.request("GET", "/"),
            hub.request_agent_port("GET", "/healthz"),
        ];
        for request in requests {
            let response = send(request.header(header::ORIGIN, origin)).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin}");
            assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
            assert_eq!(response.json::<Value>().await.unwrap()["code"], "FORBIDDEN_ORIGIN");
        }
        for (host, path) in [(hub.agent_host(), "/"), (hub.dashboard_host(), "/ws")] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{UPGRADE}\r\n");
            let answer = send_raw(host, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{path}: {answer}");
        }
    }
    assert_eq!(hub.get("/api/messages").await, serde_json::json!([]));
}

#[tokio::test]
async fn a_name_that_was_led_to_this_machine_is_refused() {
    let hub = TestHub::with(|config| config.allowed_hosts = vec!["hub.lab".to_owned()]).await;
    for (name, status) in [("evil.example", 403), ("hub.lab", 200), ("localhost:1", 200), ("127.0.0.1", 200)] {
        for request in [hub.request("GET", "/api/agents"), hub.request_agent_port("GET", "/api/agents")] {
            let response = send(request.header(header::HOST, name)).await;
            assert_eq!(response.status().as_u16(), status, "{name}");
            if status == 403 {
                assert_eq!(response.json::<Value>().await.unwrap()["code"], "FORBIDDEN_HOST");
            }
        }
    }
}

#[tokio::test]
async fn host_on_a_reachable_address_is_listed_or_nobodys_on_the_internet() {
    for (listed, names) in [
        (vec![], vec![("192.0.2.1", 401), ("orochi", 401), ("gpu-1.local:8559", 401), ("hub.example", 403)]),
        (
            vec!["hub.example".to_owned()],
            vec![("hub.example", 401), ("localhost:1", 401), ("192.0.2.1", 403), ("evil", 403)],
        ),
    ] {
        let is_listed = !listed.is_empty();
        let hub = TestHub::with(|config| {
            config.host = "0.0.0.0".to_owned();
            config.token = "s3cret".into();
            config.allowed_hosts = listed;
        })
        .await;
        let port = hub.dashboard_host().rsplit_once(':').unwrap().1;
        let host = format!("127.0.0.1:{port}");
        let ask = async |path: &str, name: &str| {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
            send_raw(&host, request.as_bytes()).await
        };
        for (name, status) in names {
            let answer = ask("/api/agents", name).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {answer}");
            assert_eq!(status == 403, answer.contains("OROCHI_ALLOWED_HOSTS"), "{answer}");
        }
        // A program with the token, such as an agent of 0.1.0, needs no list.
        let with_token = ask("/api/agents?token=s3cret", "hub.example").await;
        assert!(with_token.starts_with("HTTP/1.1 200 "), "{with_token}");
        let other = ask("/healthz", "other.example").await;
        assert!(other.starts_with(if is_listed { "HTTP/1.1 403 " } else { "HTTP/1.1 200 " }), "{other}");
    }
}

/// Requests that a browser sends without an `Origin`: pictures, links, `no-cors` requests.
#[tokio::test]
async fn a_page_of_another_site_gets_nothing_by_requests_without_an_origin() {
    let hub = TestHub::with(|config| config.allowed_origins = vec!["https://app.example.com".to_owned()]).await;
    let ask = |path: &str, site: &str, mode: &str, dest: &str| {
        let request = hub.request("GET", path).header("sec-fetch-site", site);
        let request = request.header("sec-fetch-mode", mode).header("sec-fetch-dest", dest);
        async move { send(request).await }
    };
    let script = page_script(&hub).await;
    for site in ["cross-site", "same-site", "", "Same-Origin", "none, same-origin"] {
        for (path, mode, dest) in [
            ("/api/search?q=x", "no-cors", "image"),
            ("/api/gitea/repos", "no-cors", "script"),
            ("/api/messages", "navigate", "document"),
            ("/api/session", "no-cors", "empty"),
            ("/nope", "navigate", "document"),
            ("/", "no-cors", "image"),
            ("/", "navigate", "iframe"),
            (&script, "no-cors", "script"),
        ] {
            let response = ask(path, site, mode, dest).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{site} {path}");
            assert_eq!(response.json::<Value>().await.unwrap()["code"], "FORBIDDEN_ORIGIN");
        }
        // A link to the page works from anywhere, and the health checks are open to everyone.
        assert_eq!(ask("/", site, "navigate", "document").await.status(), StatusCode::OK, "{site}");
        for path in ["/healthz", "/readyz/"] {
            assert_eq!(ask(path, site, "no-cors", "image").await.status(), StatusCode::OK, "{site} {path}");
        }
    }
    for site in ["same-origin", "none"] {
        assert_eq!(ask("/api/agents", site, "cors", "empty").await.status(), StatusCode::OK, "{site}");
    }
    let twice =
        hub.request("GET", "/api/agents").header("sec-fetch-site", "none").header("sec-fetch-site", "cross-site");
    assert_eq!(send(twice).await.status(), StatusCode::FORBIDDEN);
    let listed = hub.request("GET", "/api/agents").header("sec-fetch-site", "cross-site");
    let listed = send(listed.header(header::ORIGIN, "https://app.example.com")).await;
    assert_eq!(listed.status(), StatusCode::OK);
    let agent_port = hub.request_agent_port("GET", "/api/agents").header("sec-fetch-site", "same-site");
    assert_eq!(send(agent_port).await.status(), StatusCode::FORBIDDEN);
}

/// The address of the page's script.
async fn page_script(hub: &TestHub) -> String {
    let page = send(hub.request("GET", "/")).await.text().await.unwrap();
    let found = page.split('"').find(|part| part.ends_with("/js/main.js")).unwrap();
    found.trim_start_matches('.').to_owned()
}

#[tokio::test]
async fn the_hubs_own_page_and_a_listed_origin_may_call_it() {
    let hub = TestHub::with(|config| config.allowed_origins = vec!["https://app.example.com".to_owned()]).await;
    let own = format!("http://{}", hub.dashboard_host());
    let response = send(hub.request("GET", "/api/agents").header(header::ORIGIN, own)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));

    let listed = |method| hub.request(method, "/api/messages").header(header::ORIGIN, "https://app.example.com");
    let asked = send(listed("OPTIONS").header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")).await;
    assert_eq!(asked.status(), StatusCode::NO_CONTENT);
    assert!(asked.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("authorization"));
    let answered = send(listed("GET")).await;
    assert_eq!(answered.status(), StatusCode::OK);
    assert_eq!(answered.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example.com");
}

#[tokio::test]
async fn every_answer_tells_a_browser_to_take_it_for_no_more_than_it_is() {
    let hub = TestHub::with(|config| config.token = "s3cret".into()).await;
    for path in ["/", "/healthz", "/nope", "/api/agents", "/api/agents?token=s3cret", "/ws"] {
        let response = send(hub.request("GET", path)).await;
        let headers = response.headers();
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer", "{path}");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY", "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(policy.contains("script-src 'self'"), path == "/", "{path}: {policy}");
        let is_api = path.starts_with("/api");
        assert_eq!(headers.get(header::CACHE_CONTROL).is_some_and(|value| value == "no-store"), is_api, "{path}");
    }
}
