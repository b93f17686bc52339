//! Each status of section 10 with its code. All answers are JSON.

use axum::http::header;
use reqwest::{Response, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{TestHub, send, send_raw};

const BIG: usize = 1024 * 1024;

/// Checks a refusal: its status, its code, and a JSON body with a sentence that is not a stack trace.
async fn check(response: Response, status: u16, code: &str, what: &str) -> Value {
    assert_eq!(response.status().as_u16(), status, "{what}");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json", "{what}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], code, "{what}: {body}");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.len() > 10 && !detail.contains('\n')), "{body}");
    body
}

#[tokio::test]
async fn what_cannot_be_parsed_is_400() {
    let hub = TestHub::open().await;
    let bodies: [&[u8]; 7] = [b"", b"nope", b"[1]", b"\"x\"", b"{\"channel\":", b"\xff\xfe", b"{} {}"];
    for body in bodies {
        let response = send(hub.request("POST", "/api/messages").body(body)).await;
        check(response, 400, "PARSE_ERROR", &format!("{body:?}")).await;
    }
    let brackets = send(hub.request("POST", "/api/messages").body("[".repeat(BIG))).await;
    check(brackets, 400, "PARSE_ERROR", "brackets").await;
    check(send(hub.request("GET", "/api/history/%FF")).await, 400, "PARSE_ERROR", "a path that is no UTF-8").await;
    let no_upgrade = send(hub.request("GET", "/ws")).await;
    assert_eq!(no_upgrade.headers()[header::SEC_WEBSOCKET_VERSION], "13");
    check(no_upgrade, 400, "PARSE_ERROR", "no upgrade").await;
}

#[tokio::test]
async fn a_request_without_a_host_is_400_on_both_ports() {
    let hub = TestHub::open().await;
    for host in [hub.agent_host(), hub.dashboard_host()] {
        let answer = send_raw(host, b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("\"code\":\"PARSE_ERROR\""), "{answer}");
    }
}

#[tokio::test]
async fn without_the_token_everything_that_tells_anything_is_401() {
    let hub = TestHub::with(|config| config.token = "s3cret".into()).await;
    for path in [
        "/api/agents",
        "/api/agents?token=wrong",
        "/api/channels",
        "/api/stats",
        "/api/history/general",
        "/api/messages",
        "/api/messages/1/receipts",
        "/api/search?q=x",
        "/api/no-such-page",
        "/api",
    ] {
        for request in [hub.request("GET", path), hub.request_agent_port("GET", path)] {
            let response = send(request).await;
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
            let body = check(response, 401, "AUTH_FAILED", path).await;
            assert!(!body.to_string().contains("s3cret"));
        }
    }
    check(send(hub.request("POST", "/api/messages").body("{}")).await, 401, "AUTH_FAILED", "POST").await;
    check(send(hub.request("GET", "/ws")).await, 401, "AUTH_FAILED", "/ws").await;
    let bearer = hub.request("GET", "/api/agents").header(header::AUTHORIZATION, "Bearer s3cret");
    for request in [bearer, hub.request("GET", "/api/agents?token=s3cret")] {
        assert_eq!(send(request).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn health_and_the_page_need_no_token() {
    let hub = TestHub::with(|config| config.token = "s3cret".into()).await;
    for path in ["/healthz", "/readyz", "/healthz/", "/readyz/"] {
        for request in [hub.request("GET", path), hub.request_agent_port("GET", path)] {
            let response = send(request).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.json::<Value>().await.unwrap(), json!({"status": "ok"}));
        }
    }
    let page = send(hub.request("GET", "/")).await;
    assert!(page.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_between_others_is_403() {
    let hub = TestHub::open().await;
    hub.say("alice", "@bob", "between us").await;
    let response = send(hub.request("GET", "/api/messages/1/receipts?agent=carol")).await;
    check(response, 403, "FORBIDDEN", "receipts of a direct message").await;
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let hub = TestHub::open().await;
    for path in ["/nope", "/api", "/api/", "/api/nope", "/api/history/", "/api/messages/7/receipts", "/healthz/x"] {
        check(send(hub.request("GET", path)).await, 404, "NOT_FOUND", path).await;
        check(send(hub.request_agent_port("GET", path)).await, 404, "NOT_FOUND", path).await;
    }
    // Only the dashboard's port has the page and the observers' socket.
    check(send(hub.request_agent_port("GET", "/")).await, 404, "NOT_FOUND", "/").await;
    check(send(hub.request_agent_port("GET", "/ws")).await, 404, "NOT_FOUND", "/ws").await;
}

#[tokio::test]
async fn another_method_is_405_and_says_which_are_right() {
    let hub = TestHub::open().await;
    for (method, path, allowed) in [
        ("DELETE", "/api/messages", "GET,HEAD,POST"),
        ("POST", "/api/agents", "GET,HEAD"),
        ("PUT", "/api/history/general", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
        ("POST", "/", "GET,HEAD"),
        ("POST", "/ws", "GET,HEAD"),
    ] {
        let response = send(hub.request(method, path)).await;
        assert_eq!(response.headers()[header::ALLOW], allowed, "{method} {path}");
        check(response, 405, "METHOD_NOT_ALLOWED", path).await;
    }
}

#[tokio::test]
async fn an_id_with_other_content_is_409() {
    let hub = TestHub::open().await;
    let message = |content: &str| json!({"sender": "ci", "channel": "build", "content": content, "id": "run-1"});
    assert_eq!(hub.post(message("green")).await.0, StatusCode::CREATED);
    let (status, answer) = hub.post(message("red")).await;
    assert_eq!((status.as_u16(), &answer["code"]), (409, &json!("ID_REUSED")));
    assert_eq!(hub.get("/api/history/build").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_too_large_is_413_and_the_hub_goes_on() {
    let hub = TestHub::open().await;
    let message = |content: usize| json!({"sender": "a", "channel": "c", "content": "x".repeat(content)}).to_string();
    for body in [message(256 * 1024 + 1), message(BIG), message(4 * BIG)] {
        let response = send(hub.request("POST", "/api/messages").body(body)).await;
        check(response, 413, "TOO_LARGE", "body").await;
    }
    let metadata = json!({"sender": "a", "channel": "c", "content": "x", "metadata": {"k": "v".repeat(64 * 1024)}});
    let response = send(hub.request("POST", "/api/messages").body(metadata.to_string())).await;
    check(response, 413, "TOO_LARGE", "metadata").await;
    let response = send(hub.request("GET", &format!("/api/search?q={}", "x".repeat(1025)))).await;
    check(response, 413, "TOO_LARGE", "q").await;
    assert_eq!(send(hub.request("POST", "/api/messages").body(message(256 * 1024))).await.status(), 201);
}

#[tokio::test]
async fn a_field_that_is_wrong_is_422_in_the_words_of_the_frames() {
    let hub = TestHub::open().await;
    for (path, code) in [
        ("/api/history/general?limit=0", "INVALID_FIELD"),
        ("/api/history/general?limit=1001", "INVALID_FIELD"),
        ("/api/history/general?limit=ten", "INVALID_FIELD"),
        ("/api/history/general?limit=1&limit=2", "INVALID_FIELD"),
        ("/api/history/general?since=yesterday", "INVALID_FIELD"),
        ("/api/history/general?until=2026-01-15T10:30:00", "INVALID_FIELD"),
        ("/api/history/general?before=-1", "INVALID_FIELD"),
        ("/api/history/general?sender=a%20b", "INVALID_NAME"),
        ("/api/history/a%20b", "INVALID_CHANNEL"),
        ("/api/history//x", "INVALID_CHANNEL"),
        ("/api/history/@bob", "MISSING_FIELD"),
        ("/api/history/@?agent=alice", "INVALID_NAME"),
        ("/api/messages?limit=0", "INVALID_FIELD"),
        ("/api/messages?limit=-5", "INVALID_FIELD"),
        ("/api/messages?limit=x", "INVALID_FIELD"),
        ("/api/messages/x/receipts", "INVALID_FIELD"),
        ("/api/agents?all=maybe", "INVALID_FIELD"),
        ("/api/search", "MISSING_FIELD"),
        ("/api/search?q=", "MISSING_FIELD"),
        ("/api/search?q=x&channel=@bob", "MISSING_FIELD"),
        ("/api/messages?channel=@bob", "INVALID_FIELD"),
        ("/api/messages?since=soon", "INVALID_FIELD"),
        ("/api/stats/states?window=year", "INVALID_FIELD"),
        ("/ws?after=x", "INVALID_FIELD"),
    ] {
        check(send(hub.request("GET", path)).await, 422, code, path).await;
    }
    for (body, code) in [
        (json!({}), "MISSING_FIELD"),
        (json!({"channel": "c", "content": "x"}), "MISSING_FIELD"),
        (json!({"sender": "a", "content": "x"}), "MISSING_FIELD"),
        (json!({"sender": "a", "channel": "c"}), "MISSING_FIELD"),
        (json!({"sender": "a", "channel": "c", "content": 7}), "INVALID_FIELD"),
        (json!({"sender": "a", "channel": "c", "content": "x", "metadata": []}), "INVALID_FIELD"),
        (json!({"sender": "a", "channel": "c", "content": "x", "id": ""}), "INVALID_FIELD"),
        (json!({"sender": "a", "channel": "c", "content": "x", "reply_to": 9}), "INVALID_FIELD"),
        (json!({"sender": "a b", "channel": "c", "content": "x"}), "INVALID_NAME"),
        (json!({"sender": "orochi-server", "channel": "c", "content": "x"}), "INVALID_NAME"),
        (json!({"sender": "a", "channel": "a b", "content": "x"}), "INVALID_CHANNEL"),
        (json!({"sender": "a", "channel": "@a", "content": "x"}), "INVALID_CHANNEL"),
    ] {
        let response = send(hub.request("POST", "/api/messages").body(body.to_string())).await;
        check(response, 422, code, &body.to_string()).await;
    }
    assert_eq!(hub.get("/api/messages").await, json!([]));
}

#[tokio::test]
async fn while_the_disk_refuses_a_post_is_503_and_later_goes_through() {
    let hub = TestHub::open().await;
    let disk = Connection::open(&hub.hub.ready.db).unwrap();
    for table in ["messages", "meta"] {
        let refuse = format!("CREATE TRIGGER no_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END");
        disk.execute_batch(&refuse).unwrap();
    }
    let message = json!({"sender": "a", "channel": "c", "content": "x", "id": "1"}).to_string();
    for request in [hub.request("POST", "/api/messages").body(message.clone()), hub.request("GET", "/readyz")] {
        let response = send(request).await;
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let body = check(response, 503, "STORE_UNAVAILABLE", "refused").await;
        assert_eq!(body["retry_after"], 1);
    }
    assert_eq!(send(hub.request("GET", "/healthz")).await.status(), StatusCode::OK);
    disk.execute_batch("DROP TRIGGER no_messages; DROP TRIGGER no_meta").unwrap();
    let response = send(hub.request("POST", "/api/messages").body(message)).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.json::<Value>().await.unwrap()["seq"], 1);
}
