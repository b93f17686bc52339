//! The GET routes: history, recent messages, search, agents, channels, statistics.

use serde_json::{Value, json};

use crate::harness::{TestHub, send};

fn contents(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn history_is_newest_first_and_narrowed_by_each_parameter() {
    let hub = TestHub::open().await;
    for (sender, content) in [("alice", "one"), ("bob", "two"), ("alice", "three")] {
        hub.say(sender, "team/ci", content).await;
    }
    let all = hub.get("/api/history/team/ci").await;
    assert_eq!(contents(&all), ["three", "two", "one"]);
    let second = all[1]["ts"].as_str().unwrap().to_owned();
    assert!(second.ends_with("+00:00"), "{second}");
    let encoded = second.replace('+', "%2B");
    let with_space = second.replace('+', "%20");
    for (query, expected) in [
        ("limit=2", vec!["three", "two"]),
        ("before=3", vec!["two", "one"]),
        ("after=1", vec!["three", "two"]),
        ("before=3&after=1", vec!["two"]),
        ("sender=bob", vec!["two"]),
        ("search=three", vec!["three"]),
        (&format!("since={second}"), vec!["three", "two"]),
        (&format!("since={encoded}"), vec!["three", "two"]),
        (&format!("since={with_space}"), vec!["three", "two"]),
        (&format!("since={encoded}&until={encoded}"), vec!["two"]),
        ("until=2020-01-01", vec![]),
        ("limit=&since=&sender=&unknown=1", vec!["three", "two", "one"]),
    ] {
        let rows = hub.get(&format!("/api/history/team/ci?{query}")).await;
        assert_eq!(contents(&rows), expected, "{query}");
    }
    for path in ["%23team/ci", "team%2Fci", "%23team%2Fci"] {
        assert_eq!(hub.get(&format!("/api/history/{path}")).await, all, "{path}");
    }
    assert_eq!(hub.get("/api/history/empty").await, json!([]));
}

#[tokio::test]
async fn a_conversation_is_read_by_its_two_sides_only_and_named_after_the_other() {
    let hub = TestHub::open().await;
    hub.say("alice", "@bob", "hello bob").await;
    hub.say("bob", "@alice", "hello alice").await;
    let channels = |rows: &Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| row["channel"].as_str().unwrap().to_owned()).collect()
    };
    for (path, expected) in [
        ("/api/history/@bob?agent=alice", vec!["@bob", "@bob"]),
        ("/api/history/@alice?agent=bob", vec!["@alice", "@alice"]),
        ("/api/history/%40bob?agent=carol", vec![]),
        ("/api/messages", vec!["@bob", "@alice"]),
        ("/api/search?q=hello", vec![]),
        ("/api/search?q=hello&agent=carol", vec![]),
        ("/api/search?q=hello&agent=bob", vec!["@alice", "@alice"]),
        ("/api/search?q=hello&agent=alice&channel=@bob", vec!["@bob", "@bob"]),
    ] {
        assert_eq!(channels(&hub.get(path).await), expected, "{path}");
    }
}

#[tokio::test]
async fn recent_messages_are_oldest_first_over_all_channels() {
    let hub = TestHub::open().await;
    for n in 0..3 {
        hub.say("alice", &format!("#c{n}"), &format!("m{n}")).await;
    }
    assert_eq!(contents(&hub.get("/api/messages").await), ["m0", "m1", "m2"]);
    assert_eq!(contents(&hub.get("/api/messages?limit=2").await), ["m1", "m2"]);
    assert_eq!(contents(&hub.get("/api/messages?limit=501").await).len(), 3);
}

#[tokio::test]
async fn messages_are_paged_both_ways_over_all_channels_or_within_one() {
    let hub = TestHub::open().await;
    for n in 1..=8 {
        hub.say("alice", if n % 2 == 0 { "#even" } else { "#odd" }, &format!("m{n}")).await;
    }
    let fourth = hub.get("/api/messages/4").await["ts"].as_str().unwrap().replace('+', "%2B");
    for (query, expected) in [
        ("before=4&limit=2", vec!["m2", "m3"]),
        ("after=4&limit=2", vec!["m5", "m6"]),
        ("after=4&before=6", vec!["m5"]),
        ("after=8", vec![]),
        ("channel=%23even", vec!["m2", "m4", "m6", "m8"]),
        ("channel=even&before=6&limit=1", vec!["m4"]),
        ("channel=even&after=2&limit=2", vec!["m4", "m6"]),
        ("channel=nowhere", vec![]),
        (&format!("since={fourth}&limit=3"), vec!["m4", "m5", "m6"]),
        (&format!("since={fourth}&channel=odd"), vec!["m5", "m7"]),
        ("since=2020-01-01&limit=1", vec!["m1"]),
    ] {
        assert_eq!(contents(&hub.get(&format!("/api/messages?{query}")).await), expected, "{query}");
    }
}

#[tokio::test]
async fn a_search_finds_the_part_that_matched() {
    let hub = TestHub::open().await;
    hub.say("alice", "#ops", "the deploy of version 7 failed").await;
    hub.say("bob", "#dev", "deploy went well").await;
    hub.say("bob", "#dev", "lunch?").await;
    let hits = hub.get("/api/search?q=deploy").await;
    assert_eq!(hits.as_array().unwrap().len(), 2);
    for hit in hits.as_array().unwrap() {
        assert!(hit["snippet"].as_str().unwrap().contains("deploy"), "{hit}");
        assert!(hit["seq"].is_u64() && hit["msg_id"].is_string());
    }
    for (query, expected) in [
        ("q=deploy+failed", "the deploy of version 7 failed"),
        ("q=deploy&channel=ops", "the deploy of version 7 failed"),
        ("q=deploy&channel=%23dev", "deploy went well"),
        ("q=deploy&sender=bob", "deploy went well"),
    ] {
        assert_eq!(contents(&hub.get(&format!("/api/search?{query}")).await), [expected], "{query}");
    }
    assert_eq!(hub.get("/api/search?q=deploy&limit=1").await.as_array().unwrap().len(), 1);
    assert_eq!(hub.get("/api/search?q=deploy&until=2020-01-01").await, json!([]));
}

#[tokio::test]
async fn agents_channels_and_figures_tell_who_is_here() {
    let hub = TestHub::open().await;
    let _alice = hub.agent("alice", &["#general", "#ops"]).await;
    hub.say("ci", "#build", "hi").await;

    let agents = hub.get("/api/agents").await;
    assert_eq!(agents.as_array().unwrap().len(), 1);
    let keys = ["name", "channels", "machine", "role", "model", "agent_id", "project", "status", "current_task"];
    for key in keys.iter().chain(&["last_heartbeat", "registered_at"]) {
        assert!(agents[0].get(key).is_some(), "{key}: {agents}");
    }
    assert_eq!((&agents[0]["name"], &agents[0]["channels"]), (&json!("alice"), &json!(["#general", "#ops"])));

    let channels = json!({"#build": [], "#general": ["alice"], "#ops": ["alice"]});
    assert_eq!(hub.get("/api/channels").await, channels);
    let stats = hub.get("/api/stats").await;
    assert_eq!((&stats["agents_online"], &stats["channels_active"]), (&json!(1), &json!(3)));
    assert_eq!((&stats["observers_connected"], &stats["seq"]), (&json!(0), &json!(1)));
    assert_eq!((&stats["agents"], &stats["channels"]), (&json!(["alice"]), &json!(["#build", "#general", "#ops"])));
}

#[tokio::test]
async fn offline_agents_are_listed_when_asked_for() {
    let hub = TestHub::open().await;
    let mut watcher = crate::harness::Socket::connect(&format!("ws://{}/ws", hub.dashboard_host())).await;
    let bob = hub.agent("bob", &["#ops"]).await;
    assert_eq!(watcher.next().await["payload"]["event"], "connected");
    drop(bob);
    assert_eq!(watcher.next().await["payload"]["event"], "disconnected");
    assert_eq!(hub.get("/api/agents").await, json!([]));
    let all = hub.get("/api/agents?all=true").await;
    assert_eq!((&all[0]["name"], &all[0]["online"]), (&json!("bob"), &json!(false)));
    assert!(all[0]["last_seen"].is_string());
    assert_eq!(hub.get("/api/agents?all=false").await, json!([]));
}

#[tokio::test]
async fn both_ports_serve_the_api() {
    let hub = TestHub::open().await;
    hub.say("alice", "#general", "hi").await;
    let url = "/api/history/general";
    let response = crate::harness::send(hub.request_agent_port("GET", url)).await;
    assert_eq!(response.json::<Value>().await.unwrap(), hub.get(url).await);
    assert_eq!(crate::harness::send(hub.request("HEAD", url)).await.status(), 200);
}

#[tokio::test]
async fn answers_in_bytes_are_bounded_and_say_where_they_go_on() {
    let hub = TestHub::open().await;
    hub.agent("bob", &[]).await.close().await;
    let large = "x".repeat(255 * 1024);
    for n in 0..40 {
        hub.say("alice", "#large", &format!("{n} large @bob {large}")).await;
    }
    for (path, order) in [
        ("/api/history/large?limit=1000", Order::Newest),
        ("/api/history/large?limit=1000&order=asc", Order::Oldest),
        ("/api/history/large?limit=1000&search=large", Order::Newest),
        ("/api/messages?limit=500", Order::Blocks),
        ("/api/messages?limit=500&after=0", Order::Oldest),
        ("/api/messages?limit=500&since=2020-01-01&channel=large", Order::Oldest),
        ("/api/agents/alice/messages?limit=500", Order::Blocks),
        ("/api/agents/bob/messages?limit=500", Order::Blocks),
        ("/api/agents/bob/waiting?limit=1000", Order::Oldest),
        ("/api/search?q=large&limit=100", Order::Newest),
        ("/api/search?q=large&limit=100&order=time", Order::Newest),
    ] {
        let pages = pages(&hub, path).await;
        assert_eq!(pages.len(), 2, "{path}");
        let seqs: Vec<u64> = match order {
            Order::Blocks => pages.into_iter().rev().flatten().collect(),
            Order::Newest => pages.into_iter().flatten().rev().collect(),
            Order::Oldest => pages.into_iter().flatten().collect(),
        };
        assert_eq!(seqs, (1..=40).collect::<Vec<_>>(), "{path}");
    }
}

/// The order of pages.
enum Order {
    Newest,
    Oldest,
    /// The newest page first, each page with its oldest message first.
    Blocks,
}

/// Reads the seqs of all pages, and checks that none is too large.
async fn pages(hub: &TestHub, path: &str) -> Vec<Vec<u64>> {
    let (mut path, mut pages) = (path.to_owned(), Vec::new());
    loop {
        let response = send(hub.request("GET", &path)).await;
        assert_eq!(response.status(), 200, "{path}");
        let next = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        assert!(text.len() <= 9 * 1024 * 1024, "{path}: {}", text.len());
        let rows: Value = serde_json::from_str(&text).unwrap();
        pages.push(rows.as_array().unwrap().iter().map(|row| row["seq"].as_u64().unwrap()).collect());
        let Some(next) = next else { return pages };
        path = next.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
}
