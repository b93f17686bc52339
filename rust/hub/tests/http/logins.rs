//! Dashboard logins: how they begin and end, what they allow, and that another server can't use their cookie.

use std::time::Duration;

use orochi_hub::Patience;
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::harness::{Socket, TestHub, in_time, send};

const TOKEN: &str = "s3cret";

/// A browser's copy of a login.
#[derive(Clone)]
struct Login {
    /// `name=value`.
    cookie: String,
    key: String,
}

impl Login {
    fn on(&self, request: RequestBuilder) -> RequestBuilder {
        request.header(header::COOKIE, &self.cookie).header("orochi-session-key", &self.key)
    }

    async fn status(&self, hub: &TestHub, method: &str, path: &str) -> StatusCode {
        send(self.on(hub.request(method, path)).body("{}")).await.status()
    }

    /// The request for the observer's WebSocket, as the page sends it.
    fn upgrade(&self, hub: &TestHub) -> axum::http::Request<()> {
        let mut request = format!("ws://{}/ws", hub.dashboard_host()).into_client_request().unwrap();
        let protocols = format!("orochi, orochi-session.{}", self.key);
        for (name, value) in [(header::COOKIE, &self.cookie), (header::SEC_WEBSOCKET_PROTOCOL, &protocols)] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    }

    /// The reason for which a request with this login is refused.
    async fn reason(&self, hub: &TestHub) -> String {
        reason(send(self.on(hub.request("GET", "/api/agents"))).await).await
    }

    async fn observe(&self, hub: &TestHub) -> Socket {
        Socket::open(self.upgrade(hub)).await
    }
}

async fn reason(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], "AUTH_FAILED");
    body["reason"].as_str().unwrap().to_owned()
}

async fn locked() -> TestHub {
    TestHub::with(|config| config.token = TOKEN.into()).await
}

/// Sends a request and returns its own answer, without following redirects.
async fn visit(hub: &TestHub, path: &str) -> Response {
    let client = orochi_hub::http_client_builder("http:").build().unwrap();
    send(client.get(format!("http://{}{path}", hub.dashboard_host()))).await
}

fn cookie(response: &Response) -> String {
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    for rule in ["HttpOnly", "SameSite=Strict", "Max-Age=43200"] {
        assert!(set.contains(rule), "{set}");
    }
    assert!(!set.contains(TOKEN));
    set.split(';').next().unwrap().to_owned()
}

fn sign_in_request(hub: &TestHub) -> RequestBuilder {
    hub.request("POST", "/api/session").body(json!({"token": TOKEN}).to_string())
}

async fn sign_in(hub: &TestHub) -> Login {
    let response = send(sign_in_request(hub)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = cookie(&response);
    let body: Value = response.json().await.unwrap();
    Login { cookie, key: body["key"].as_str().unwrap().to_owned() }
}

/// The login that a sign-in by address stores in the browser.
fn of_redirect(response: &Response) -> Login {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let place = response.headers()[header::LOCATION].to_str().unwrap();
    assert!(!place.contains(TOKEN), "{place}");
    Login { cookie: cookie(response), key: place.strip_prefix("./?signed-in=").unwrap().to_owned() }
}

#[tokio::test]
async fn login_reads_writes_nothing_and_signs_out() {
    let hub = locked().await;
    let state = json!({"signed_in": false, "token_required": true, "reason": "no_token"});
    assert_eq!(hub.get("/api/session").await, state);
    let wrong = send(hub.request("POST", "/api/session").body(json!({"token": "wrong"}).to_string())).await;
    assert_eq!((wrong.status(), wrong.headers().get(header::SET_COOKIE)), (StatusCode::UNAUTHORIZED, None));
    let login = sign_in(&hub).await;
    assert_eq!(login.status(&hub, "GET", "/api/agents").await, StatusCode::OK);
    let state: Value = send(login.on(hub.request("GET", "/api/session"))).await.json().await.unwrap();
    assert_eq!(state, json!({"signed_in": true, "token_required": true}));
    assert_eq!(login.status(&hub, "POST", "/api/messages").await, StatusCode::FORBIDDEN);
    let agent_port = send(hub.request_agent_port("GET", "/api/session")).await;
    assert_eq!(agent_port.status(), StatusCode::UNAUTHORIZED, "browsers use the dashboard's port");
    assert_eq!(login.status(&hub, "DELETE", "/api/session").await, StatusCode::NO_CONTENT);
    assert_eq!(login.status(&hub, "GET", "/api/agents").await, StatusCode::UNAUTHORIZED);
}

/// A browser sends the cookie to every server on the host name, whatever its port. Such a server has only the cookie.
#[tokio::test]
async fn login_cookie_alone_opens_and_ends_nothing() {
    let hub = locked().await;
    let login = sign_in(&hub).await;
    let other = sign_in(&hub).await;
    let stolen = |key: &str| Login { key: key.to_owned(), ..login.clone() };
    for key in ["", "x", &other.key, login.cookie.rsplit_once('.').unwrap().1] {
        assert_eq!(stolen(key).status(&hub, "GET", "/api/agents").await, StatusCode::UNAUTHORIZED, "{key}");
        match in_time(connect_async(stolen(key).upgrade(&hub))).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 401, "{key}"),
            other => panic!("expected 401, got {other:?}"),
        }
        stolen(key).status(&hub, "DELETE", "/api/session").await;
    }
    assert_eq!(login.status(&hub, "GET", "/api/agents").await, StatusCode::OK);
}

/// Two hubs on one host share a browser's cookies.
#[tokio::test]
async fn login_cookies_of_two_hubs_do_not_touch_each_other() {
    let (one, two) = (locked().await, locked().await);
    let (first, second) = (sign_in(&one).await, sign_in(&two).await);
    assert_ne!(first.cookie.split('=').next(), second.cookie.split('=').next());
    let jar = format!("{}; {}", first.cookie, second.cookie);
    let (first, second) = (Login { cookie: jar.clone(), ..first }, Login { cookie: jar, ..second });
    let signed_out = send(first.on(one.request("DELETE", "/api/session"))).await;
    let cleared = signed_out.headers()[header::SET_COOKIE].to_str().unwrap();
    assert_eq!(cleared.split('=').next(), first.cookie.split('=').next(), "only its own cookie is cleared");
    assert_eq!(second.status(&two, "GET", "/api/agents").await, StatusCode::OK);
}

#[tokio::test]
async fn login_sign_out_ends_one_login_and_survives_a_restart() {
    let hub = locked().await;
    let (ended, kept) = (sign_in(&hub).await, sign_in(&hub).await);
    // A browser that signed in twice on this host has at most one cookie of a name. This test sends both.
    let both = Login { cookie: format!("{}; {}", kept.cookie, ended.cookie), ..ended.clone() };
    assert_eq!(both.status(&hub, "DELETE", "/api/session").await, StatusCode::NO_CONTENT);
    let hub = hub.restart().await;
    assert_eq!(ended.status(&hub, "GET", "/api/agents").await, StatusCode::UNAUTHORIZED);
    assert_eq!(kept.status(&hub, "GET", "/api/agents").await, StatusCode::OK);
}

#[tokio::test]
async fn login_refusal_names_its_reason() {
    let hub = locked().await;
    let asked = async |path: &str| reason(send(hub.request("GET", path)).await).await;
    assert_eq!(asked("/api/agents").await, "no_token");
    assert_eq!(asked("/api/agents?token=wrong").await, "wrong_token");
    let bearer = hub.request("GET", "/api/agents").header(header::AUTHORIZATION, "Bearer wrong");
    assert_eq!(reason(send(bearer).await).await, "wrong_token");
    let wrong = send(hub.request("POST", "/api/session").body(json!({"token": "wrong"}).to_string())).await;
    assert_eq!(reason(wrong).await, "wrong_token");
    let (ended, kept) = (sign_in(&hub).await, sign_in(&hub).await);
    let half = Login { key: "x".to_owned(), ..kept.clone() };
    assert_eq!(half.reason(&hub).await, "incomplete");
    // The cookie has expired in the browser; the page still has the key.
    let dropped = Login { cookie: "other=1".to_owned(), ..kept.clone() };
    assert_eq!(dropped.reason(&hub).await, "expired");
    let made_up = Login { cookie: format!("{}0", kept.cookie), key: String::new() };
    assert_eq!(made_up.reason(&hub).await, "no_token", "a cookie that no hub made says nothing");
    let answer = send(ended.on(hub.request("DELETE", "/api/session"))).await;
    assert_eq!(ended.reason(&hub).await, "signed_out");
    // The cookie that other tabs of that browser send from now on.
    let left = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(Login { cookie: left, key: String::new() }.reason(&hub).await, "signed_out");
    let hub = hub.restart_with(|config| config.token = "another".into()).await;
    assert_eq!(kept.reason(&hub).await, "token_changed");
}

#[tokio::test]
async fn login_renewed_by_an_open_page_goes_on_and_its_socket_too() {
    let patience = Patience { login: Duration::from_secs(2), ..Patience::default() };
    let hub = TestHub::start(|config| config.token = TOKEN.into(), patience).await;
    let opened = send(sign_in_request(&hub)).await;
    let first = opened.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let key = opened.json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned();
    let login = Login { cookie: first, key };
    let mut socket = login.observe(&hub).await;
    let mut renewed = login.clone();
    // Renews for longer than the login lasts, until its first cookie is refused.
    while login.status(&hub, "GET", "/api/agents").await == StatusCode::OK {
        let answer = send(renewed.on(hub.request("PUT", "/api/session"))).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let set = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert!(set.contains("HttpOnly; SameSite=Strict"), "{set}");
        renewed.cookie = set.split(';').next().unwrap().to_owned();
    }
    assert_eq!(login.reason(&hub).await, "expired");
    assert_eq!(renewed.status(&hub, "GET", "/api/agents").await, StatusCode::OK, "one key for all its cookies");
    let said = json!({"sender": "alice", "channel": "c", "content": "hi"});
    send(hub.request("POST", &format!("/api/messages?token={TOKEN}")).body(said.to_string())).await;
    assert_eq!(socket.next().await["payload"]["content"], "hi");
    assert_eq!(renewed.status(&hub, "DELETE", "/api/session").await, StatusCode::NO_CONTENT);
    assert_eq!(u16::from(socket.closed().await.code), 4001);
    let again = send(renewed.on(hub.request("PUT", "/api/session"))).await;
    assert_eq!(reason(again).await, "signed_out");
}

#[tokio::test]
async fn login_socket_ends_with_a_sign_out_elsewhere() {
    let hub = locked().await;
    let (ended, kept) = (sign_in(&hub).await, sign_in(&hub).await);
    let (mut socket, mut other_tab) = (ended.observe(&hub).await, ended.observe(&hub).await);
    let (mut stays, mut by_token) = (kept.observe(&hub).await, {
        Socket::connect(&format!("ws://{}/ws?token={TOKEN}", hub.dashboard_host())).await
    });
    assert_eq!(ended.status(&hub, "DELETE", "/api/session").await, StatusCode::NO_CONTENT);
    for socket in [&mut socket, &mut other_tab] {
        assert_eq!(u16::from(socket.closed().await.code), 4001);
    }
    let said = json!({"sender": "alice", "channel": "c", "content": "hi"});
    send(hub.request("POST", &format!("/api/messages?token={TOKEN}")).body(said.to_string())).await;
    for socket in [&mut stays, &mut by_token] {
        assert_eq!(socket.next().await["payload"]["content"], "hi");
    }
}

#[tokio::test]
async fn login_socket_ends_when_the_login_expires() {
    let patience = Patience { login: Duration::from_secs(2), ..Patience::default() };
    let hub = TestHub::start(|config| config.token = TOKEN.into(), patience).await;
    let response = send(sign_in_request(&hub)).await;
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.contains("Max-Age=2"), "{set}");
    let body: Value = response.json().await.unwrap();
    let key = body["key"].as_str().unwrap().to_owned();
    let login = Login { cookie: set.split(';').next().unwrap().to_owned(), key };
    let mut socket = login.observe(&hub).await;
    assert_eq!(u16::from(socket.closed().await.code), 4001);
    assert_eq!(login.status(&hub, "GET", "/api/agents").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn login_cookie_is_secure_behind_tls() {
    let hub = locked().await;
    let public = TestHub::with(|config| {
        config.token = TOKEN.into();
        config.public_url = Some("https://orochi.example.org".to_owned());
    })
    .await;
    let forwarded = |schemes| sign_in_request(&hub).header("x-forwarded-proto", schemes);
    for (request, is_secure) in [
        (sign_in_request(&hub), false),
        (forwarded("http"), false),
        (forwarded("https"), true),
        (forwarded("HTTPS, http"), true),
        (sign_in_request(&public), true),
    ] {
        let response = send(request).await;
        let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
        assert_eq!(set.ends_with("; Secure"), is_secure, "{set}");
    }
}

#[tokio::test]
async fn login_token_in_the_address_signs_in_and_leaves_it_and_the_printed_link_works_once() {
    let hub = locked().await;
    let by_token = of_redirect(&visit(&hub, "/?token=s3cret").await);
    assert_eq!(by_token.status(&hub, "GET", "/api/stats").await, StatusCode::OK);
    let link = hub.hub.ready.sign_in_url.clone().unwrap();
    let path = link.strip_prefix(&hub.hub.ready.dashboard_url).unwrap();
    let by_link = of_redirect(&visit(&hub, path).await);
    assert_eq!(by_link.status(&hub, "GET", "/api/stats").await, StatusCode::OK);
    for path in [path, "/?login=", "/?token=wrong", "/?token="] {
        let refused = visit(&hub, path).await;
        assert_eq!(refused.headers()[header::LOCATION], "./#/signin/wrong", "{path}");
        assert_eq!(refused.headers().get(header::SET_COOKIE), None, "{path}");
    }
}

/// Any web page can make a browser request `/?token=…`, for example as a picture.
#[tokio::test]
async fn login_wrong_tokens_lock_nobody_out() {
    let hub = locked().await;
    for _ in 0..50 {
        assert_eq!(visit(&hub, "/?token=guess").await.headers()[header::LOCATION], "./#/signin/wrong");
    }
    assert_eq!(send(sign_in_request(&hub)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn login_sign_in_takes_no_more_than_a_token_needs() {
    let hub = locked().await;
    let body = json!({"token": "x".repeat(5000)}).to_string();
    let response = send(hub.request("POST", "/api/session").body(body)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}
