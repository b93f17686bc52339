//! The requests that commands send, and how they handle good and bad answers.

use std::io::Read;
use std::net::TcpListener;

use crate::support::{Answer, Running, ScriptedHub, ended, orochi, whole};

fn run(hub: &ScriptedHub, args: &[&str]) -> String {
    let mut command = orochi(&["--port", &hub.port, "--name", "tester"]);
    command.args(args);
    whole(command)
}

#[test]
fn a_message_is_sent_again_under_its_id_when_the_connection_is_lost() {
    let hub = ScriptedHub::start(vec![Answer::Cut, Answer::Http(201, r#"{"seq":7,"id":"i","ts":"t","delivery":{}}"#)]);
    assert_eq!(run(&hub, &["send", "general", "hi @bob"]), ended(0, "Sent #7 to general: hi @bob\n", ""));
    let (lost, again) = (hub.asked(), hub.asked());
    assert_eq!(lost.line, "POST /api/messages");
    assert_eq!(lost.body, again.body);
    for (key, value) in [("channel", "#general"), ("content", "hi @bob"), ("sender", "tester")] {
        assert_eq!(lost.body[key], value);
    }
    let id = lost.body["id"].as_str().unwrap_or_default();
    assert_eq!((id.len(), id.as_bytes().get(14)), (36, Some(&b'7')), "{id} is a UUIDv7");
}

#[test]
fn a_message_that_stays_unanswered_is_said_to_be_in_doubt() {
    let hub = ScriptedHub::start(vec![Answer::Cut, Answer::Cut, Answer::Cut]);
    let run = run(&hub, &["send", "#general", "hi"]);
    assert!(run.starts_with("exit code: 1\n--- stdout\n--- stderr\nError: the connection to the Orochi hub"), "{run}");
    assert!(run.ends_with("see whether the message arrived: orochi history CHANNEL --limit 5\n"), "{run}");
}

#[test]
fn send_prints_the_hubs_answer_as_json() {
    let hub = ScriptedHub::start(vec![Answer::Http(201, r#"{"seq":7,"delivery":{"bob":"offline"}}"#)]);
    let stdout = "{\n  \"seq\": 7,\n  \"delivery\": {\n    \"bob\": \"offline\"\n  }\n}\n";
    assert_eq!(run(&hub, &["send", "@bob", "--json", "--reply-to=3", "-hi"]), ended(0, stdout, ""));
    let body = hub.asked().body;
    assert_eq!((body["channel"].as_str(), body["content"].as_str()), (Some("@bob"), Some("-hi")));
    assert_eq!(body["reply_to"], 3);
}

#[test]
fn the_token_travels_in_a_header() {
    let hub = ScriptedHub::start(vec![Answer::Http(200, "[]"), Answer::Http(200, "[]")]);
    assert_eq!(run(&hub, &["--token", "hunter2", "who"]), ended(0, "No agents connected.\n", ""));
    let asked = hub.asked();
    assert_eq!((asked.line.as_str(), asked.authorization.as_deref()), ("GET /api/agents", Some("Bearer hunter2")));
    run(&hub, &["who"]);
    assert_eq!(hub.asked().authorization, None);
}

#[test]
fn a_wrong_or_missing_token_is_told_apart() {
    let refused = || Answer::Http(401, r#"{"code":"AUTH_FAILED","detail":"no"}"#);
    let hub = ScriptedHub::start(vec![refused(), refused()]);
    let place = format!("127.0.0.1:{}", hub.port);
    let told = format!("Error: the hub at {place} asks for a token; set OROCHI_TOKEN to it\n");
    assert_eq!(run(&hub, &["who"]), ended(1, "", &told));
    let told =
        format!("Error: the hub at {place} refuses this token; set OROCHI_TOKEN to the one the hub was started with\n");
    assert_eq!(run(&hub, &["who", "--token=hunter2"]), ended(1, "", &told));
}

#[test]
fn a_refusal_is_told_in_the_hubs_words_and_a_stranger_is_called_one() {
    let hub = ScriptedHub::start(vec![
        Answer::Http(422, r#"{"code":"INVALID_FIELD","detail":"since is \"x\""}"#),
        Answer::Http(404, "<html>not found</html>"),
        Answer::Http(200, "<html>hello</html>"),
    ]);
    let told = "Error: the hub refused: since is \"x\" (INVALID_FIELD)\n";
    assert_eq!(run(&hub, &["history", "general", "--since=x"]), ended(1, "", told));
    for status in [404, 200] {
        let told = format!(
            "Error: what answers at 127.0.0.1:{} is not an Orochi hub of this version (HTTP {status}); \
             name the hub with --host and --port\n",
            hub.port
        );
        assert_eq!(run(&hub, &["who"]), ended(1, "", &told));
    }
}

#[test]
fn history_and_search_ask_for_what_was_said() {
    let hub = ScriptedHub::start((0..4).map(|_| Answer::Http(200, "[]")).collect());
    let asked = |args: &[&str], stdout: &str| {
        assert_eq!(run(&hub, args), ended(0, stdout, ""), "{args:?}");
        hub.asked().line
    };
    assert_eq!(
        asked(&["history", "team/ci", "--limit=3", "--before=9", "--search=a b"], "No history for team/ci.\n"),
        "GET /api/history/%23team%2Fci?limit=3&before=9&search=a+b"
    );
    assert_eq!(
        asked(&["history", "@bob", "--since=2026-01-15T10:30:00+09:00", "--json"], "[]\n"),
        "GET /api/history/@bob?limit=50&since=2026-01-15T10%3A30%3A00%2B09%3A00&agent=tester"
    );
    assert_eq!(
        asked(&["search", "deploy", "--channel=ci", "--sender=bob"], "Nothing found for deploy.\n"),
        "GET /api/search?limit=50&sender=bob&q=deploy&agent=tester&channel=%23ci"
    );
    assert_eq!(asked(&["search", "deploy", "--json"], "[]\n"), "GET /api/search?limit=50&q=deploy&agent=tester");
}

#[test]
fn channel_is_an_argument_and_a_flag() {
    let hub = ScriptedHub::start((0..2).map(|_| Answer::Http(200, "[]")).collect());
    for args in [&["search", "deploy", "ci"][..], &["search", "deploy", "--channel", "ci"]] {
        assert_eq!(run(&hub, args), ended(0, "Nothing found for deploy.\n", ""), "{args:?}");
        assert!(hub.asked().line.ends_with("&channel=%23ci"));
    }
}

#[test]
fn what_a_hub_refuses_cannot_command_the_terminal() {
    let refusal = r#"{"code":"INVALID_FIELD","detail":"since is \u001b[2J\nError: x"}"#;
    let hub = ScriptedHub::start(vec![Answer::Http(422, refusal)]);
    let told = "Error: the hub refused: since is \\x1b[2J\\nError: x (INVALID_FIELD)\n";
    assert_eq!(run(&hub, &["history", "general"]), ended(1, "", told));
}

#[test]
fn ctrl_c_before_the_answer_is_exit_code_130() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address can be bound");
    let port = listener.local_addr().expect("a bound socket has an address").port().to_string();
    let send = Running::start(orochi(&["--port", &port, "send", "#general", "hi"]));
    let (mut stream, _) = listener.accept().expect("the command connects");
    // Once the command has sent something, it also handles signals.
    stream.read_exact(&mut [0]).expect("a request");
    send.signal("-INT");
    assert_eq!(send.end(), (Some(130), Vec::new()));
}

#[test]
fn health_asks_for_life_and_readiness() {
    let hub = ScriptedHub::start(vec![
        Answer::Http(200, r#"{"status":"ok"}"#),
        Answer::Http(503, r#"{"code":"STORE_UNAVAILABLE","detail":"the disk is full"}"#),
    ]);
    let told = "Error: the hub refused: the disk is full (STORE_UNAVAILABLE)\n";
    assert_eq!(run(&hub, &["health"]), ended(1, "", told));
    assert_eq!((hub.asked().line, hub.asked().line), ("GET /healthz".to_owned(), "GET /readyz".to_owned()));
    let hub = ScriptedHub::start(vec![
        Answer::Http(200, r#"{"status":"ok"}"#),
        Answer::Http(503, r#"{"code":"STORE_UNAVAILABLE","detail":"the disk is full"}"#),
        Answer::Http(200, r#"{"status":"ok"}"#),
        Answer::Http(200, r#"{"status":"ok"}"#),
    ]);
    let stdout = "{\n  \"alive\": true,\n  \"ready\": false,\n  \
                  \"error\": \"the hub refused: the disk is full (STORE_UNAVAILABLE)\"\n}\n";
    assert_eq!(run(&hub, &["health", "--json"]), ended(1, stdout, told));
    assert_eq!(run(&hub, &["health", "--max-age=60"]), ended(0, "ok\n", ""));
    let asked: Vec<String> = (0..4).map(|_| hub.asked().line).collect();
    assert_eq!(asked[3], "GET /readyz?max_age=60");
}
