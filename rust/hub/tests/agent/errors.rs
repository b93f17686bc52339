//! All refusals of section 3 on a socket. Each test sends the request, checks code and `ref`, and then sends a valid
//! request on the same connection.

use orochi_protocol::limits::{CHANNELS_MAX, CONTENT_BYTES_MAX, FRAME_BYTES_MAX};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Socket, TestHub, in_time};

/// A frame's text, the expected code, and the expected `ref` if the id can be read.
type Row = (String, &'static str, Option<&'static str>);

fn row(frame: Value, code: &'static str) -> Row {
    let mut frame = frame;
    frame["id"] = "q".into();
    (frame.to_string(), code, Some("q"))
}

fn text(frame: &str, code: &'static str, reference: Option<&'static str>) -> Row {
    (frame.to_owned(), code, reference)
}

async fn check(socket: &mut Socket, rows: Vec<Row>) {
    for (frame, code, reference) in rows {
        let shown: String = frame.chars().take(120).collect();
        socket.send_raw(Message::text(frame)).await;
        let error = socket.next().await;
        assert_eq!(error["type"], "error", "{shown}: {error}");
        let payload = &error["payload"];
        assert_eq!(
            (&payload["code"], payload.get("ref").and_then(Value::as_str)),
            (&json!(code), reference),
            "{shown}"
        );
        assert!(payload["detail"].as_str().unwrap().len() > 10, "{shown}: {error}");
        assert!(error["sender"] == "orochi-server" && error["id"].is_string() && error["ts"].is_string(), "{error}");
        socket.nothing_more().await;
    }
}

/// The beginning of an id that is too long.
const BEGINNING: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

#[tokio::test]
async fn what_is_no_frame_is_a_parse_error() {
    let hub = TestHub::open().await;
    let rows = || {
        vec![
            text("", "PARSE_ERROR", None),
            text("hello", "PARSE_ERROR", None),
            text("7", "PARSE_ERROR", None),
            text("null", "PARSE_ERROR", None),
            text("[]", "PARSE_ERROR", None),
            text(r#"{"type":"presence""#, "PARSE_ERROR", None),
            text(r#"{"type":"presence"} x"#, "PARSE_ERROR", None),
            text(&"[".repeat(FRAME_BYTES_MAX), "PARSE_ERROR", None),
            text(&"{\"a\":".repeat(100_000), "PARSE_ERROR", None),
            text(r#"{"id":"q"}"#, "PARSE_ERROR", Some("q")),
            text(r#"{"id":"q","type":null}"#, "PARSE_ERROR", Some("q")),
            text(r#"{"id":"q","type":7}"#, "PARSE_ERROR", Some("q")),
            text(r#"{"id":7,"type":"presence"}"#, "PARSE_ERROR", None),
            text(r#"{"id":"q","type":"presence","sender":7}"#, "PARSE_ERROR", Some("q")),
            text(r#"{"id":"q","type":"presence","ts":7}"#, "PARSE_ERROR", Some("q")),
            text(r#"{"id":"q","type":"presence","payload":[]}"#, "PARSE_ERROR", Some("q")),
            text(r#"{"id":"q","type":"presence","payload":"x"}"#, "PARSE_ERROR", Some("q")),
            text(r#"{"id":"","type":"presence"}"#, "INVALID_FIELD", None),
            text(&format!(r#"{{"id":"{}","type":"presence"}}"#, "x".repeat(129)), "INVALID_FIELD", Some(BEGINNING)),
            text(r#"{"id":"q","type":"nonsense"}"#, "UNKNOWN_TYPE", Some("q")),
            text(r#"{"id":"q","type":"ack"}"#, "UNKNOWN_TYPE", Some("q")),
            text(r#"{"id":"q","type":""}"#, "UNKNOWN_TYPE", Some("q")),
        ]
    };
    check(&mut hub.connect().await, rows()).await;
    check(&mut hub.agent("alice", &["#general"]).await, rows()).await;
}

#[tokio::test]
async fn before_a_register_only_questions_are_answered() {
    let hub = TestHub::open().await;
    hub.agent("bob", &["#general"]).await.say("#general", "hi").await;
    let mut socket = hub.connect().await;
    let rows = vec![
        row(json!({"type": "message", "sender": "a", "payload": {"channel": "#c", "content": "x"}}), "NOT_REGISTERED"),
        row(json!({"type": "message", "payload": {}}), "NOT_REGISTERED"),
        row(json!({"type": "status_update", "payload": {"status": "busy"}}), "NOT_REGISTERED"),
        row(json!({"type": "subscribe", "payload": {"channel": "#c"}}), "NOT_REGISTERED"),
        row(json!({"type": "unsubscribe", "payload": {"channel": "#c"}}), "NOT_REGISTERED"),
        row(json!({"type": "gitea", "payload": {"action": "get_version"}}), "NOT_REGISTERED"),
        row(json!({"type": "query", "payload": {"channel": "@bob"}}), "NOT_REGISTERED"),
        row(json!({"type": "heartbeat", "payload": {"seen": 1}}), "NOT_REGISTERED"),
        row(json!({"type": "register"}), "INVALID_NAME"),
        row(json!({"type": "register", "sender": null}), "INVALID_NAME"),
    ];
    check(&mut socket, rows).await;
    for kind in ["presence", "heartbeat", "query", "receipts"] {
        // Before the register, any sender is ignored.
        socket.send(&json!({"type": kind, "sender": "who ever", "id": "q", "payload": {"seq": 1}})).await;
        assert_eq!(socket.reply("q").await["type"], "ack", "{kind}");
    }
}

#[tokio::test]
async fn names_and_channels_outside_the_rules_are_refused() {
    let hub = TestHub::open().await;
    let mut socket = hub.connect().await;
    let name = |name: &str| row(json!({"type": "register", "sender": name}), "INVALID_NAME");
    let channels = |channel: &str| {
        row(json!({"type": "register", "sender": "a", "payload": {"channels": [channel]}}), "INVALID_CHANNEL")
    };
    let long = "x".repeat(65);
    let names = ["", "a b", "-a", ".a", "a/b", "#a", "@a", "a\n", "all", "here", "orochi-server", &long];
    check(&mut socket, names.into_iter().map(name).collect()).await;
    check(&mut socket, ["", "#", "a b", "@bob", "##a", "#/x", &long].into_iter().map(channels).collect()).await;
    socket.register("alice", json!({})).await;
    let rows = vec![
        row(json!({"type": "message", "payload": {"channel": "a b", "content": "x"}}), "INVALID_CHANNEL"),
        row(json!({"type": "message", "payload": {"channel": "@a b", "content": "x"}}), "INVALID_NAME"),
        row(json!({"type": "message", "payload": {"channel": "@alice", "content": "x"}}), "INVALID_CHANNEL"),
        row(json!({"type": "subscribe", "payload": {"channel": ""}}), "INVALID_CHANNEL"),
        row(json!({"type": "subscribe", "payload": {"channel": "@bob"}}), "INVALID_CHANNEL"),
        row(json!({"type": "unsubscribe", "payload": {"channel": "#"}}), "INVALID_CHANNEL"),
        row(json!({"type": "query", "payload": {"channel": "a b"}}), "INVALID_CHANNEL"),
        row(json!({"type": "query", "payload": {"sender": "a b"}}), "INVALID_NAME"),
    ];
    check(&mut socket, rows).await;
}

#[tokio::test]
async fn who_one_is_cannot_be_changed() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &["#general"]).await;
    let message = json!({"type": "message", "sender": "bob", "payload": {"channel": "#c", "content": "x"}});
    let rows = vec![
        row(message, "SENDER_MISMATCH"),
        row(json!({"type": "presence", "sender": "bob"}), "SENDER_MISMATCH"),
        row(json!({"type": "message", "sender": "bob", "payload": {}}), "SENDER_MISMATCH"),
        row(json!({"type": "register", "sender": "bob"}), "ALREADY_REGISTERED"),
    ];
    check(&mut alice, rows).await;
    assert!(alice.history(json!({"channel": "#c"})).await.is_empty());
    // The same name updates the registration.
    alice.register("alice", json!({"channels": ["#ops"], "role": "pilot"})).await;
    let presence = alice.answer("presence", json!({"detail": true})).await;
    assert_eq!(presence["agents"], json!({"alice": ["#ops"]}));
    assert_eq!(presence["detail"]["alice"]["role"], "pilot");
}

#[tokio::test]
async fn fields_that_are_missing_or_wrong_are_named() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &["#general"]).await;
    let mut rows = Vec::new();
    for (kind, payload, code) in [
        ("message", json!({"content": "x"}), "MISSING_FIELD"),
        ("message", json!({"channel": null, "content": "x"}), "MISSING_FIELD"),
        ("message", json!({"channel": "#c"}), "MISSING_FIELD"),
        ("message", json!({"channel": "#c", "content": null}), "MISSING_FIELD"),
        ("message", json!({"channel": "#c", "content": 7}), "INVALID_FIELD"),
        ("message", json!({"channel": 7, "content": "x"}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "history": []}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "ref": "m"}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "seq": 1}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "code": null}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "metadata": []}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "metadata": "m"}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "reply_to": "1"}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "reply_to": 1}), "INVALID_FIELD"),
        ("message", json!({"channel": "#c", "content": "x", "reply_to": -1}), "INVALID_FIELD"),
        ("subscribe", json!({}), "MISSING_FIELD"),
        ("subscribe", json!({"channel": ["#c"]}), "INVALID_FIELD"),
        ("unsubscribe", json!({}), "MISSING_FIELD"),
        ("receipts", json!({}), "MISSING_FIELD"),
        ("receipts", json!({"seq": "1"}), "INVALID_FIELD"),
        ("receipts", json!({"seq": 1}), "INVALID_FIELD"),
        ("heartbeat", json!({"seen": "1"}), "INVALID_FIELD"),
        ("heartbeat", json!({"seen": -1}), "INVALID_FIELD"),
        ("heartbeat", json!({"seen": 1}), "INVALID_FIELD"),
        ("heartbeat", json!({"seen": 1.5}), "INVALID_FIELD"),
        ("heartbeat", json!({"seen": u64::MAX}), "INVALID_FIELD"),
        ("presence", json!({"detail": 1}), "INVALID_FIELD"),
        ("query", json!({"limit": 0}), "INVALID_FIELD"),
        ("query", json!({"limit": 1001}), "INVALID_FIELD"),
        ("query", json!({"limit": -1}), "INVALID_FIELD"),
        ("query", json!({"limit": 1.5}), "INVALID_FIELD"),
        ("query", json!({"limit": "ten"}), "INVALID_FIELD"),
        ("query", json!({"since": "yesterday"}), "INVALID_FIELD"),
        ("query", json!({"since": "2026-01-15T10:30:00"}), "INVALID_FIELD"),
        ("query", json!({"until": 7}), "INVALID_FIELD"),
        ("query", json!({"before": "x"}), "INVALID_FIELD"),
        ("query", json!({"search": 7}), "INVALID_FIELD"),
        ("status_update", json!({"status": 7}), "INVALID_FIELD"),
        ("status_update", json!({"progress": 1.1}), "INVALID_FIELD"),
        ("status_update", json!({"progress": "half"}), "INVALID_FIELD"),
        ("status_update", json!({"status": "x".repeat(33)}), "TOO_LARGE"),
        ("register", json!({"channels": "#c"}), "INVALID_FIELD"),
        ("register", json!({"channels": [7]}), "INVALID_FIELD"),
        ("register", json!({"resume": "all"}), "INVALID_FIELD"),
        ("register", json!({"resume": -1}), "INVALID_FIELD"),
        ("register", json!({"resume": 1}), "RESUME_BEYOND"),
        ("register", json!({"conflict": "fight"}), "INVALID_FIELD"),
        ("register", json!({"events": ["everything"]}), "INVALID_FIELD"),
    ] {
        rows.push(row(json!({"type": kind, "payload": payload}), code));
    }
    check(&mut alice, rows).await;
    let presence = alice.answer("presence", json!({})).await;
    assert_eq!(presence["agents"], json!({"alice": ["#general"]}), "a refused request changes nothing");
}

#[tokio::test]
async fn null_for_an_optional_field_means_absent() {
    let hub = TestHub::open().await;
    let nothing =
        json!({"channels": null, "machine": null, "resume": null, "epoch": null, "conflict": null, "events": null});
    let (mut alice, ack) = hub.register("alice", nothing).await;
    assert_eq!(ack.get("resumed"), None);
    assert_eq!(alice.answer("presence", json!({"detail": null})).await["agents"], json!({"alice": ["#general"]}));
    let message = json!({"channel": "c", "content": "x", "metadata": null, "reply_to": null, "mentions": null});
    alice.ask("message", message).await;
    let query = json!({"channel": "c", "since": null, "until": null, "limit": null, "before": null, "search": null});
    assert_eq!(alice.history(query).await.len(), 1);
    alice.ask("heartbeat", json!({"seen": null})).await;
    alice.ask("status_update", json!({"status": null, "progress": null})).await;
    alice.send(&json!({"type": "presence", "id": "q", "sender": null, "ts": null, "payload": null})).await;
    assert_eq!(alice.reply("q").await["type"], "ack");
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_its_edge_is_not() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let message = |key: &str, value: Value| {
        let mut payload = json!({"channel": "#c", "content": "x"});
        payload[key] = value;
        json!({"type": "message", "payload": payload})
    };
    let mut deep = json!({});
    for _ in 0..70 {
        deep = json!({ "d": deep });
    }
    let many: Vec<String> = (0..=CHANNELS_MAX).map(|n| format!("#c{n}")).collect();
    let rows = vec![
        row(message("content", "x".repeat(CONTENT_BYTES_MAX + 1).into()), "TOO_LARGE"),
        row(message("content", "ö".repeat(CONTENT_BYTES_MAX / 2 + 1).into()), "TOO_LARGE"),
        row(message("metadata", json!({"k": "v".repeat(64 * 1024)})), "TOO_LARGE"),
        row(message("metadata", deep), "TOO_LARGE"),
        row(message("other", "v".repeat(64 * 1024).into()), "TOO_LARGE"),
        row(json!({"type": "register", "payload": {"channels": many}}), "TOO_LARGE"),
        row(json!({"type": "query", "payload": {"search": "x".repeat(1025)}}), "TOO_LARGE"),
    ];
    check(&mut alice, rows).await;
    alice.say("#c", &"ö".repeat(CONTENT_BYTES_MAX / 2)).await;
    alice.register("alice", json!({"channels": many[1..]})).await;
    assert_eq!(alice.refused("subscribe", json!({"channel": many[0]})).await, "TOO_LARGE");
    alice.ask("subscribe", json!({"channel": many[1]})).await;
}

#[tokio::test]
async fn an_id_used_for_another_message_is_refused() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.send(&json!({"type": "message", "id": "q", "payload": {"channel": "#c", "content": "one"}})).await;
    assert_eq!(alice.reply("q").await["type"], "ack");
    let again = |payload: Value| row(json!({"type": "message", "payload": payload}), "ID_REUSED");
    let rows = vec![
        again(json!({"channel": "#c", "content": "two"})),
        again(json!({"channel": "#d", "content": "one"})),
        again(json!({"channel": "#c", "content": "one", "metadata": {"k": 1}})),
        again(json!({"channel": "#c", "content": "one", "reply_to": 1})),
    ];
    check(&mut alice, rows).await;
    assert_eq!(alice.say("#c", "next").await["seq"], 2);
}

#[tokio::test]
async fn id_reused_also_for_a_message_that_differs_in_another_key_only() {
    let mut hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    // The order of keys and the notation of numbers make no difference. Another value, an additional or a missing key
    // does.
    let first = r##"{"channel":"#c","content":"one","color":"green","size":{"a":1,"b":[2]}}"##;
    let same = r##"{"size":{"b":[2],"a":1},"content":"one","channel":"#c","color":"\u0067reen"}"##;
    let others = [
        r##"{"channel":"#c","content":"one","color":"red","size":{"a":1,"b":[2]}}"##,
        r##"{"channel":"#c","content":"one","color":"green","size":{"a":1,"b":[2]},"more":null}"##,
        r##"{"channel":"#c","content":"one","color":"green"}"##,
        r##"{"channel":"#c","content":"one"}"##,
    ];
    for is_restarted in [false, true] {
        if is_restarted {
            hub.stop().await;
            hub.start().await;
            alice = hub.agent("alice", &[]).await;
        }
        for payload in [first, same] {
            let ack = said_raw(&mut alice, payload).await;
            assert_eq!(ack["payload"]["seq"], 1, "{payload}");
        }
        for payload in others {
            assert_eq!(said_raw(&mut alice, payload).await["payload"]["code"], "ID_REUSED", "{payload}");
        }
    }
}

/// Sends a message with an unchanged payload, always under the same id. Returns the answer.
async fn said_raw(alice: &mut Socket, payload: &str) -> Value {
    let frame = format!(r#"{{"type":"message","id":"m","payload":{payload}}}"#);
    alice.send_raw(Message::text(frame)).await;
    alice.reply("m").await
}

#[tokio::test]
async fn unpaired_surrogate_is_named_as_what_it_is() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let high_and_low = [r"\ud800", r"a\udfff b", r"\ude00\ud83d", r"\ud83d\u0041"];
    for half in high_and_low {
        for payload in [
            format!(r##"{{"channel":"#c","content":"{half}"}}"##),
            format!(r##"{{"channel":"{half}","content":"x"}}"##),
            format!(r##"{{"channel":"#c","content":"x","metadata":{{"k":["{half}"]}}}}"##),
            format!(r##"{{"channel":"#c","content":"x","more":"{half}"}}"##),
        ] {
            let refused = said_raw(&mut alice, &payload).await["payload"].clone();
            assert_eq!(refused["code"], "INVALID_FIELD", "{payload}");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains("unpaired surrogate") && detail.contains("U+FFFD"), "{detail}");
        }
    }
    // A surrogate pair is one character.
    let ack = said_raw(&mut alice, r##"{"channel":"#c","content":"\ud83e\udd80"}"##).await;
    assert_eq!(ack["type"], "ack");
}

#[tokio::test]
async fn what_is_between_others_is_forbidden() {
    let hub = TestHub::open().await;
    hub.agent("alice", &[]).await.say("@bob", "between us").await;
    let mut carol = hub.agent("carol", &[]).await;
    check(&mut carol, vec![row(json!({"type": "receipts", "payload": {"seq": 1}}), "FORBIDDEN")]).await;
}

#[tokio::test]
async fn while_the_disk_refuses_nothing_is_accepted_and_later_it_is() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    let disk = Connection::open(&hub.hub().ready.db).unwrap();
    let refuse = "CREATE TRIGGER no_messages BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'no'); END";
    disk.execute_batch(refuse).unwrap();
    let message = json!({"type": "message", "payload": {"channel": "#c", "content": "x"}});
    check(&mut alice, vec![row(message.clone(), "STORE_UNAVAILABLE"), row(message, "STORE_UNAVAILABLE")]).await;
    disk.execute_batch("DROP TRIGGER no_messages").unwrap();
    assert_eq!(alice.say("#c", "now").await["seq"], 1);
    assert_eq!(bob.contents(1).await, ["now"]);
    bob.nothing_more().await;
}

#[tokio::test]
async fn a_stopping_hub_answers_what_it_took_and_closes_with_1001() {
    let mut hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.say("#c", "before").await;
    let mut observer = hub.observer("").await;
    let mut stranger = hub.connect().await;
    stranger.nothing_more().await;
    hub.stop().await;
    for socket in [&mut alice, &mut observer, &mut stranger] {
        assert_eq!(socket.closed().await, 1001);
    }
}

#[tokio::test]
async fn a_wrong_token_is_told_in_a_frame_and_closed_with_4001() {
    let hub = TestHub::with(|config| config.token = "s3cret".into()).await;
    for query in ["", "?token=wrong"] {
        let mut socket = Socket::connect(&format!("{}/{query}", hub.hub().ready.agent_url)).await;
        let error = socket.next().await;
        assert_eq!((&error["type"], &error["payload"]["code"]), (&json!("error"), &json!("AUTH_FAILED")));
        assert!(!error.to_string().contains("s3cret"));
        assert_eq!(socket.closed().await, 4001);
    }
    let mut socket = Socket::connect(&format!("{}/?token=s3cret", hub.hub().ready.agent_url)).await;
    socket.register("alice", json!({})).await;
}

#[tokio::test]
async fn json_in_a_binary_frame_is_read_as_text() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let frame = json!({"type": "message", "id": "q", "payload": {"channel": "#c", "content": "ö"}});
    alice.send_raw(Message::binary(frame.to_string().into_bytes())).await;
    assert_eq!(alice.reply("q").await["type"], "ack");
    assert_eq!(alice.history(json!({"channel": "#c"})).await[0]["content"], "ö");
    alice.send_raw(Message::binary(vec![b'{', 0xff, b'}'])).await;
    assert_eq!(alice.next().await["payload"]["code"], "PARSE_ERROR");
    alice.nothing_more().await;
}

#[tokio::test]
async fn a_frame_over_the_limit_closes_with_1009_and_its_edge_does_not() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let frame = json!({"type": "presence", "id": "q"}).to_string();
    let padded = format!("{frame}{}", " ".repeat(FRAME_BYTES_MAX - frame.len()));
    alice.send_raw(Message::text(padded.clone())).await;
    assert_eq!(alice.next().await["type"], "presence");
    assert_eq!(alice.next().await["payload"]["ref"], "q");
    for message in [Message::text(format!("{padded} ")), Message::binary(vec![b' '; 4 * FRAME_BYTES_MAX - 64])] {
        let mut socket = hub.connect().await;
        socket.send_raw(message).await;
        assert_eq!(socket.closed().await, 1009);
    }
    alice.nothing_more().await;
}

#[tokio::test]
async fn frame_over_the_limit_is_named_to_an_agent_before_its_close() {
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let said = alice.request("message", json!({"channel": "#c", "content": "before"})).await;
    let large = "x".repeat(FRAME_BYTES_MAX);
    let id = alice.request("message", json!({"channel": "#c", "content": large})).await;
    assert_eq!(alice.reply(&said).await["type"], "ack", "replies come in order");
    assert_eq!(alice.reply(&id).await["payload"]["code"], "TOO_LARGE");
    assert_eq!(alice.closed().await, 1009);
    // The same at both ends of the readable range. The id comes after all the excess bytes.
    for bytes in [FRAME_BYTES_MAX + 1, 2 * FRAME_BYTES_MAX] {
        let mut bob = hub.agent("bob", &[]).await;
        let (head, tail) = (r#"{"type":"message","payload":{"content":""#, r#""},"id":"edge"}"#);
        let filler = "x".repeat(bytes - head.len() - tail.len());
        bob.send_raw(Message::text(format!("{head}{filler}{tail}"))).await;
        assert_eq!(bob.reply("edge").await["payload"]["code"], "TOO_LARGE", "{bytes} bytes");
        assert_eq!(bob.closed().await, 1009, "{bytes} bytes");
    }
}

#[tokio::test]
async fn text_that_is_not_utf_8_closes_with_1007_and_a_broken_frame_with_1002() {
    let hub = TestHub::open().await;
    for (bytes, code) in [
        // A masked text frame with the byte 0xff, and a frame with a reserved opcode.
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff][..], 1007),
        (&[0x83, 0x80, 0, 0, 0, 0][..], 1002),
    ] {
        let mut socket = hub.connect().await;
        socket.nothing_more().await;
        in_time(socket.stream.get_mut().write_all(bytes)).await.unwrap();
        assert_eq!(socket.closed().await, code);
    }
}
