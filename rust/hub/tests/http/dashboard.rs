//! The dashboard's files and its counts of waiting messages.

use reqwest::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::harness::{Socket, TestHub, send};

const TOKEN: &str = "s3cret";

async fn locked() -> TestHub {
    TestHub::with(|config| config.token = TOKEN.into()).await
}

/// Sends a request and returns its own answer, without following redirects.
async fn visit(hub: &TestHub, path: &str) -> Response {
    let client = orochi_hub::http_client_builder("http:").build().unwrap();
    send(client.get(format!("http://{}{path}", hub.dashboard_host()))).await
}

#[tokio::test]
async fn the_page_names_its_files_by_version_and_they_can_be_kept() {
    let hub = locked().await;
    let page = visit(&hub, "/").await;
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
    let text = page.text().await.unwrap();
    let script = text.split('"').find_map(|part| part.strip_prefix('.').filter(|path| path.ends_with("/js/main.js")));
    let script = script.expect("relative, for a proxy that shows the page below a path");
    let file = visit(&hub, script).await;
    assert_eq!(file.status(), StatusCode::OK);
    assert!(file.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    assert!(file.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/javascript"));
    for path in ["/assets/old/js/main.js", "/assets/x/../../etc/passwd"] {
        assert_eq!(visit(&hub, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_overview_says_what_waits_for_whom_and_what_was_said_last() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    let _carol = hub.agent("carol", &["#c"]).await;
    hub.say("alice", "#c", "one @bob").await;
    hub.say("alice", "@bob", "two").await;
    hub.say("bob", "#c", "three @bob").await;
    let overview = hub.get("/api/overview").await;
    let agent = |name: &str, overview: &Value| {
        overview["agents"].as_array().unwrap().iter().find(|agent| agent["name"] == name).unwrap().clone()
    };
    let before = agent("bob", &overview);
    let waiting = |agent: &Value| ["count", "oldest_seq", "from"].map(|key| agent["waiting"][key].clone());
    // An agent that never sends `seen` counts as having read everything before its own messages.
    assert_eq!(waiting(&before), [json!(0), Value::Null, json!([])]);
    hub.say("carol", "#c", "four @bob").await;
    assert_eq!(waiting(&agent("bob", &hub.get("/api/overview").await)), [json!(1), json!(4), json!(["carol"])]);
    assert_eq!(before["last_words"]["content"], "three @bob");
    assert_eq!((&before["online"], &before["stuck"]), (&json!(true), &Value::Null));
    assert_eq!(agent("carol", &overview)["waiting"]["count"], 0);
    let channels = &overview["channels"];
    let names: Vec<&Value> = channels.as_array().unwrap().iter().map(|channel| &channel["name"]).collect();
    assert_eq!(names, ["#c", "#general"]);
    assert_eq!((&channels[0]["members"], &channels[1]["last"]), (&json!(["bob", "carol"]), &Value::Null));
    let last = &channels[0]["last"];
    assert_eq!((&last["seq"], &last["sender"]), (&json!(3), &json!("bob")));
    assert_eq!(last["ts"], before["last_words"]["ts"]);
    assert_eq!(before["last_words"]["channel"], "#c");
    let contents = |rows: Value| rows.as_array().unwrap().iter().map(|row| row["content"].clone()).collect::<Vec<_>>();
    assert_eq!(contents(hub.get("/api/agents/bob/waiting").await), ["four @bob"]);
    for (seen, count, unread) in [(0, 3, vec!["one @bob", "two", "four @bob"]), (1, 2, vec!["two", "four @bob"])] {
        bob.send(json!({"type": "heartbeat", "id": "h", "payload": {"seen": seen}})).await;
        while bob.next().await["payload"]["ref"] != "h" {}
        let of_bob = waiting(&agent("bob", &hub.get("/api/overview").await));
        assert_eq!(of_bob, [json!(count), json!(seen + 1), json!(["alice", "carol"])]);
        assert_eq!(contents(hub.get("/api/agents/bob/waiting").await), unread);
    }
    assert_eq!(send(hub.request("GET", "/api/agents/nobody/waiting")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(contents(hub.get("/api/messages?before=3").await), ["one @bob", "two"]);
    assert_eq!(contents(hub.get("/api/agents/bob/messages").await), ["one @bob", "two", "three @bob", "four @bob"]);
    assert_eq!(contents(hub.get("/api/agents/alice/messages?limit=1").await), ["two"]);
    assert_eq!(hub.get("/api/agents/nobody/messages").await, json!([]));
}

#[tokio::test]
async fn a_timeline_says_what_an_agent_was_in() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &[]).await;
    for (id, status) in [("a", "busy"), ("b", "busy"), ("c", "error")] {
        bob.send(json!({"type": "status_update", "id": id, "payload": {"status": status}})).await;
        while bob.next().await["payload"]["ref"] != id {}
    }
    let overview = hub.get("/api/overview").await;
    let mut watcher = Socket::connect(&format!("ws://{}/ws", hub.dashboard_host())).await;
    bob.close().await;
    while watcher.next().await["payload"]["event"] != "disconnected" {}
    let spans = hub.get("/api/agents/bob/timeline").await;
    let states: Vec<&str> = spans.as_array().unwrap().iter().map(|span| span["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["online", "busy", "error", "offline"]);
    for pair in spans.as_array().unwrap().windows(2) {
        assert_eq!(pair[0]["until"], pair[1]["since"]);
    }
    assert_eq!(overview["agents"][0]["state_since"], spans[2]["since"]);
    let place = |span: usize| spans[span]["since"].as_str().unwrap().replace('+', "%2B");
    let within = hub.get(&format!("/api/agents/bob/timeline?since={}&until={}", place(1), place(3))).await;
    assert_eq!(within, json!([spans[1], spans[2]]));
    assert_eq!(hub.get("/api/agents/nobody/timeline").await, json!([]));
    let all = hub.get("/api/stats/states?window=day").await;
    let of_bob = all["agents"]["bob"].as_array().unwrap();
    assert_eq!(of_bob[..3], spans.as_array().unwrap()[..3]);
    assert_eq!((&of_bob[3]["state"], &of_bob[3]["until"]), (&json!("offline"), &all["until"]));
}

#[tokio::test]
async fn messages_come_as_html_where_that_is_asked_for_and_unchanged_where_not() {
    let hub = TestHub::open().await;
    let observer = |query: &str| format!("ws://{}/ws{query}", hub.dashboard_host());
    let mut plain = Socket::connect(&observer("?after=0")).await;
    let mut page = Socket::connect(&observer("?after=0&html=true")).await;
    let _bob = hub.agent("bob", &["#c"]).await;
    for observer in [&mut plain, &mut page] {
        assert_eq!(observer.next().await["payload"]["event"], "connected");
    }
    let said = json!({"sender": "alice", "channel": "#c", "content": "**now** @bob <b>", "html": "<script>"});
    hub.post(said).await;
    hub.say("alice", "#c", &"x".repeat(100_000)).await;
    let html = "<p><strong>now</strong> @bob &lt;b&gt;</p>\n";
    let (mut shown, written) = (page.next().await, plain.next().await);
    assert_eq!((shown["html"].as_str(), written.get("html")), (Some(html), None));
    shown.as_object_mut().unwrap().remove("html");
    assert_eq!(shown, written);
    assert_eq!(page.next().await.get("html"), None, "a long text is not rendered");
    let mut late = Socket::connect(&observer("?html=true&after=0")).await;
    assert_eq!(late.next().await["html"], html, "from the log as it was live");
    let one = hub.get("/api/messages/1?html=true").await;
    assert_eq!((&one["seq"], &one["html"]), (&json!(1), &json!(html)));
    assert_eq!(send(hub.request("GET", "/api/messages/99")).await.status(), StatusCode::NOT_FOUND);
    for path in ["/api/messages?", "/api/history/c?after=0&before=2&", "/api/search?q=now&", "/api/agents/bob/waiting?"]
    {
        let (with, without) = (hub.get(&format!("{path}html=true")).await, hub.get(path).await);
        assert_eq!((with[0]["html"].as_str(), without[0].get("html")), (Some(html), None), "{path}");
    }
}

#[tokio::test]
async fn the_page_and_its_files_are_sent_compressed_and_the_page_only_where_it_changed() {
    let hub = TestHub::open().await;
    let get = |path: String, name: &'static str, value: String| {
        let request = hub.request("GET", &path).header(name, value);
        async move { send(request).await }
    };
    let page = get("/".to_owned(), "accept-encoding", "identity".to_owned()).await;
    let tag = page.headers()[header::ETAG].to_str().unwrap().to_owned();
    let text = page.text().await.unwrap();
    let style = text.split('"').find(|part| part.ends_with("/style.css")).unwrap().trim_start_matches('.').to_owned();
    for (known, status) in [(tag.clone(), 304), (format!("\"x\", W/{tag}"), 304), ("\"x\"".to_owned(), 200)] {
        assert_eq!(get("/".to_owned(), "if-none-match", known).await.status(), status);
    }
    for path in ["/", &style] {
        for (accepted, encoding) in [("gzip, br", Some("gzip")), ("br, gzip;q=0.5", Some("gzip")), ("gzip;q=0", None)] {
            let answer = get(path.to_owned(), "accept-encoding", accepted.to_owned()).await;
            let found = answer.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!((found, &answer.headers()[header::VARY]), (encoding, &"Accept-Encoding".parse().unwrap()));
            let bytes = answer.bytes().await.unwrap();
            assert_eq!(bytes.starts_with(&[0x1f, 0x8b]), encoding.is_some(), "{path} {accepted}");
        }
    }
}

#[tokio::test]
async fn overview_of_many_names_lists_who_is_here_and_those_seen_last() {
    let hub = TestHub::open().await;
    let stays = hub.agent("stays", &["#general"]).await;
    for n in 0..520 {
        drop(hub.agent(&format!("away-{n}"), &["#general"]).await);
    }
    // The last agents leave a moment after their sockets.
    let deadline = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while hub.get("/api/agents").await.as_array().unwrap().len() > 1 {
            tokio::task::yield_now().await;
        }
    });
    deadline.await.unwrap();
    let overview = hub.get("/api/overview").await;
    assert_eq!((overview["agents"].as_array().unwrap().len(), &overview["more"]), (151, &json!(370)));
    let names: Vec<&str> =
        overview["agents"].as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"stays") && names.contains(&"away-519") && !names.contains(&"away-0"));
    let states = hub.get("/api/stats/states").await;
    let known: Vec<&String> = states["agents"].as_object().unwrap().keys().collect();
    assert_eq!(known, names, "states are told of the agents that are listed");
    let one = hub.get("/api/overview?agent=away-0").await;
    assert_eq!(one["agents"][0]["name"], "away-0");
    drop(stays);
}
