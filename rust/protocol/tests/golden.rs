//! The golden frames in `tests/golden/`: each file is one frame as on the wire. Requests must parse to the meaning in
//! the file, or be refused with its code. The hub's frames must be equal byte for byte.
//!
//! A file's keys: `direction`, `type`, `wire` (the exact text), `frame` (the same as JSON, or null), and for requests
//! `means` (the meaning) or `error` and `ref` (the code, and the id for the reply).

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use orochi_protocol::delivery::{MessageView, PresenceChange, PresenceEvent, StatusEvent};
use orochi_protocol::paging::More;
use orochi_protocol::reply::{
    Ack, AgentRow, CaughtUp, DeliveryState, ErrorReply, GiteaResult, HistoryAnswer, MessageAck, Ok as AckStatus,
    PresenceAnswer, ReceiptState, ReceiptsAnswer, RegisterAck, Stamp, SubscribeAck, frame,
};
use orochi_protocol::request::{
    self, Draft, GiteaCall, HistoryQuery, Order, Presence, Receipts, Request, Subscribe, Unsubscribe,
};
use orochi_protocol::{ChannelName, ErrorCode, HUB_SENDER, Identity, Reach, Refusal, Seq, Timestamp, mentions};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const ID: &str = "0197a2c4-5b7e-7cc3-98c4-dc0c0c07398f";
const TS: &str = "2026-01-15T10:30:00.123456+00:00";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    #[serde(skip)]
    name: String,
    direction: Direction,
    r#type: Option<String>,
    wire: String,
    frame: Value,
    means: Option<Value>,
    error: Option<ErrorCode>,
    r#ref: Option<String>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Request,
    Reply,
    Event,
}

fn golden() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let mut files: Vec<Golden> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let file: Golden =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Golden { name: path.file_stem().unwrap().to_str().unwrap().to_owned(), ..file }
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

#[test]
fn a_file_says_the_same_as_json_and_as_text() {
    for file in golden() {
        let read = serde_json::from_str(&file.wire).unwrap_or(Value::Null);
        assert_eq!(read, file.frame, "{}", file.name);
        assert_eq!(file.frame["type"].as_str(), file.r#type.as_deref(), "{}", file.name);
    }
}

#[test]
fn a_request_is_understood_or_refused_as_its_file_says() {
    for file in golden().iter().filter(|file| file.direction == Direction::Request) {
        let name = &file.name;
        match (request::parse(&file.wire), file.error) {
            (Ok(parsed), None) => {
                assert_eq!(Some(meaning(&parsed.request)), file.means, "{name}");
                assert_eq!(parsed.id.as_deref(), file.frame["id"].as_str(), "{name}");
                assert_eq!(parsed.sender.as_deref(), file.frame["sender"].as_str(), "{name}");
            }
            (Err(bad), Some(code)) => {
                assert_eq!(bad.refusal.code, code, "{name}: {}", bad.refusal.detail);
                assert_eq!(bad.id, file.r#ref, "{name}");
                assert!(!bad.refusal.detail.is_empty(), "{name}");
            }
            (Ok(parsed), Some(code)) => panic!("{name} was understood as {parsed:?}, expected {code}"),
            (Err(bad), None) => panic!("{name} was refused: {}", bad.refusal),
        }
    }
}

#[test]
fn what_the_hub_makes_is_the_files_text() {
    let mut made = made_frames();
    for file in golden().iter().filter(|file| file.direction != Direction::Request) {
        let wire = made.remove(file.name.as_str());
        assert_eq!(wire.as_deref(), Some(file.wire.as_str()), "{}", file.name);
    }
    assert!(made.is_empty(), "no file for {:?}", made.keys());
}

#[test]
fn every_type_of_frame_has_a_file() {
    let files = golden();
    let types = |direction: Direction| -> BTreeSet<_> {
        let accepted = files.iter().filter(|file| file.direction == direction && file.error.is_none());
        accepted.filter_map(|file| file.r#type.as_deref()).collect()
    };
    let requests = [
        "register",
        "message",
        "subscribe",
        "unsubscribe",
        "presence",
        "query",
        "heartbeat",
        "status_update",
        "gitea",
        "receipts",
    ];
    assert_eq!(types(Direction::Request), BTreeSet::from(requests));
    let replies = ["ack", "error", "presence", "message", "gitea_result", "receipts", "caught_up"];
    assert_eq!(types(Direction::Reply), BTreeSet::from(replies));
    assert_eq!(types(Direction::Event), BTreeSet::from(["message", "presence_change", "status_update"]));
}

/// The meaning of a request, with the payload's keys. Absent fields are omitted.
fn meaning(request: &Request) -> Value {
    match request {
        Request::Register(register) => json!(register),
        Request::Message(draft) => message_meaning(draft),
        Request::Subscribe(Subscribe { channel }) | Request::Unsubscribe(Unsubscribe { channel }) => {
            json!({ "channel": channel })
        }
        Request::Presence(Presence { detail, after }) => present([("detail", json!(detail)), ("after", json!(after))]),
        Request::Query(query) => query_meaning(query),
        Request::Heartbeat(heartbeat) => json!(heartbeat),
        Request::StatusUpdate(update) => json!(update),
        Request::Gitea(GiteaCall { action, params }) => json!({ "action": action, "params": params }),
        Request::Receipts(Receipts { seq, after }) => present([("seq", json!(seq)), ("after", json!(after))]),
    }
}

fn message_meaning(draft: &Draft) -> Value {
    present([
        ("channel", json!(draft.target)),
        ("content", json!(draft.content)),
        ("mentions", json!(mentions::resolve(&draft.mentions, |_| None))),
        ("metadata", json!(draft.metadata)),
        ("reply_to", json!(draft.reply_to)),
        ("other", json!(draft.extra)),
    ])
}

fn query_meaning(HistoryQuery { target, filter }: &HistoryQuery) -> Value {
    present([
        ("channel", json!(target)),
        ("since", json!(filter.since)),
        ("until", json!(filter.until)),
        ("before", json!(filter.before)),
        ("after", json!(filter.after)),
        ("sender", json!(filter.sender)),
        ("reply_to", json!(filter.reply_to)),
        ("search", json!(filter.search)),
        ("limit", json!(filter.limit)),
        ("order", if filter.order == Order::Desc { Value::Null } else { json!(filter.order) }),
    ])
}

fn present<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// All frames of the hub, by the name of their file.
fn made_frames() -> BTreeMap<&'static str, String> {
    let mut made = BTreeMap::new();
    for (name, wire) in acks().into_iter().chain(errors()).chain(answers()).chain(messages()).chain(events()) {
        assert!(made.insert(name, wire).is_none(), "{name} is made twice");
    }
    made
}

fn from_hub(kind: &str, payload: &impl Serialize) -> String {
    frame(kind, Stamp { sender: HUB_SENDER, id: ID, ts: TS }, payload)
}

fn acks() -> Vec<(&'static str, String)> {
    let register = |cursor: Option<Seq>, resumed: Option<bool>, channels: Option<&[ChannelName]>| {
        let (status, seq) = (AckStatus::Ok, seq(41));
        let channels_from = resumed.and(cursor);
        let (r#ref, epoch, heartbeat) = ("q-1", "e-1", 20);
        from_hub("ack", &RegisterAck { status, r#ref, seq, epoch, cursor, heartbeat, resumed, channels_from, channels })
    };
    let kept = ["#builds", "#general"].map(|name| ChannelName::parse(name).unwrap());
    let message = |states: &[(&str, DeliveryState)], duplicate| {
        let online = states.iter().filter(|(_, state)| *state == DeliveryState::Online);
        let reach: Vec<_> = online.map(|(name, _)| (*name, Reach::Turn)).collect();
        let ack = MessageAck { r#ref: "q-1", seq: seq(42), ts: TS, delivery: states, reach: &reach, duplicate };
        ack.to_frame(Stamp { sender: HUB_SENDER, id: ID, ts: TS })
    };
    let everyone =
        [("bob", DeliveryState::Online), ("carol", DeliveryState::Offline), ("dave", DeliveryState::Unknown)];
    vec![
        ("reply-ack", from_hub("ack", &Ack { status: AckStatus::Ok, r#ref: "q-1" })),
        ("reply-ack-subscribe", from_hub("ack", &SubscribeAck { status: AckStatus::Ok, r#ref: "q-1", seq: seq(41) })),
        ("reply-caught-up", from_hub("caught_up", &CaughtUp { seq: seq(43), r#ref: "q-1" })),
        ("reply-ack-register", register(None, None, None)),
        ("reply-ack-register-resumed", register(Some(seq(40)), Some(true), None)),
        ("reply-ack-register-kept-channels", register(Some(seq(40)), Some(true), Some(&kept))),
        ("reply-ack-register-not-resumed", register(Some(seq(40)), Some(false), None)),
        ("reply-ack-message", message(&everyone, false)),
        ("reply-ack-message-nobody", message(&[], false)),
        ("reply-ack-message-duplicate", message(&[], true)),
    ]
}

fn errors() -> Vec<(&'static str, String)> {
    let error = |code, detail: &str, id, status| {
        let refusal = Refusal::new(code, detail);
        from_hub("error", &ErrorReply { status, ..ErrorReply::new(&refusal, id) })
    };
    let missing = "content is missing: expected a string";
    vec![
        ("reply-error", error(ErrorCode::MissingField, missing, Some("q-1"), None)),
        ("reply-error-no-ref", error(ErrorCode::ParseError, "the frame is not a JSON object", None, None)),
        ("reply-error-retry-after", error(ErrorCode::StoreUnavailable, "the disk is full", Some("q-1"), None)),
        ("reply-error-gitea", error(ErrorCode::GiteaApiError, "repository does not exist", Some("q-1"), Some(404))),
    ]
}

fn answers() -> Vec<(&'static str, String)> {
    let presence = |agents: &[(&str, &[&str])], detail, more| {
        let texts = |channels: &[&str]| channels.iter().map(ToString::to_string).collect();
        let agents = agents.iter().map(|(name, channels)| ((*name).to_owned(), texts(channels))).collect();
        from_hub("presence", &PresenceAnswer { agents, detail, more, r#ref: Some("q-1".to_owned()) })
    };
    let detail = BTreeMap::from([("alice".to_owned(), alice())]);
    // A row has the sender's other keys in one object, unlike the live frame.
    let answer = |channel, history: &[Box<RawValue>], more, indexed_up_to| {
        from_hub("message", &HistoryAnswer { channel, content: "", history, more, r#ref: "q-1", indexed_up_to })
    };
    let history = |channel, history: &[Box<RawValue>]| answer(channel, history, None, None);
    let rows = [REPLY.to_row(None), GREETING.to_row(None)];
    let version = RawValue::from_string(r#"{"version":"1.22.0"}"#.to_owned()).unwrap();
    let receipts = [
        ("erin", ReceiptState::Offered),
        ("dave", ReceiptState::Pending),
        ("carol", ReceiptState::Delivered),
        ("bob", ReceiptState::Seen),
    ];
    let agents = receipts.map(|(name, state)| (name.to_owned(), state)).into_iter().collect();
    let receipts = |agents, more| {
        from_hub("receipts", &ReceiptsAnswer { seq: seq(42), agents, more, r#ref: Some("q-1".to_owned()) })
    };
    let bob = || BTreeMap::from([("bob".to_owned(), ReceiptState::Seen)]);
    let gitea = GiteaResult { action: "get_version", result: &version, r#ref: "q-1" };
    vec![
        ("reply-presence", presence(&[("bob", &[]), ("alice", &["#builds", "#general"])], None, None)),
        ("reply-presence-detail", presence(&[("alice", &["#builds"])], Some(detail), None)),
        ("reply-presence-more", presence(&[("alice", &["#builds"])], None, Some(More::from("alice".to_owned())))),
        ("reply-history", history("#general", &rows)),
        ("reply-history-empty", history("#quiet", &[])),
        ("reply-history-indexed-up-to", answer("#quiet", &[], None, Some(seq(41)))),
        ("reply-history-more", answer("#general", &rows[..1], Some(More::from(seq(43))), None)),
        ("reply-gitea-result", from_hub("gitea_result", &gitea)),
        ("reply-receipts", receipts(agents, None)),
        ("reply-receipts-more", receipts(bob(), Some(More::from("bob".to_owned())))),
    ]
}

fn alice() -> AgentRow {
    let now = Timestamp::parse(TS).unwrap();
    AgentRow {
        name: "alice".into(),
        channels: vec!["#builds".into()],
        identity: tester(),
        status: "busy".into(),
        current_task: "tests".into(),
        progress: Some(0.5),
        last_heartbeat: now,
        registered_at: now,
        online: true,
        last_seen: Some(now),
        connections: 1,
        cursor: Some(seq(42)),
        reach: Some(Reach::Turn),
    }
}

fn tester() -> Identity {
    Identity {
        machine: "gpu-1".into(),
        role: "tester".into(),
        model: "m-1".into(),
        agent_id: "alice@gpu-1".into(),
        project: "api".into(),
    }
}

const GREETING: MessageView<'static> = MessageView {
    seq: seq(42),
    id: "m-1",
    ts: TS,
    channel: "#general",
    sender: "alice",
    content: "say \"hi\" @bob",
    mentions: r#"["bob"]"#,
    metadata: r#"{"n":1.50}"#,
    reply_to: None,
    extra: None,
};

const REPLY: MessageView<'static> = MessageView {
    seq: seq(43),
    id: "m-2",
    sender: "bob",
    content: "yes",
    mentions: "[]",
    metadata: "{}",
    reply_to: Some(seq(42)),
    extra: Some(r#"{"x":[1],"y":null}"#),
    ..GREETING
};

fn messages() -> Vec<(&'static str, String)> {
    let plain = MessageView { mentions: "[]", metadata: "{}", ..GREETING };
    let unicode = MessageView { seq: seq(44), id: "m-3", channel: "#général", content: "日本\n", ..plain };
    let direct = MessageView { seq: seq(45), id: "m-4", channel: "@alice", content: "hi", ..plain };
    vec![
        ("event-message", GREETING.to_frame()),
        ("event-message-reply-and-other-keys", REPLY.to_frame()),
        ("event-message-plain", unicode.to_frame()),
        ("event-message-direct", direct.to_frame()),
    ]
}

fn events() -> Vec<(&'static str, String)> {
    let change = |event, channels: &[&str], project| {
        let channels = channels.iter().map(ToString::to_string).collect();
        let change = PresenceChange { agent: "alice", event, channels, agent_id: "alice@gpu-1", project };
        from_hub("presence_change", &change)
    };
    let from_alice =
        |status: &StatusEvent<'_>| frame("status_update", Stamp { sender: "alice", id: ID, ts: TS }, status);
    let bare = Identity { agent_id: "alice@gpu-1".into(), ..Identity::default() };
    let idle =
        StatusEvent { agent: "alice", status: "idle", current_task: "", identity: &bare, progress: None, reach: None };
    let described = tester();
    let busy = StatusEvent {
        status: "busy",
        current_task: "tests",
        identity: &described,
        progress: Some(0.5),
        reach: Some(Reach::Wake),
        ..idle
    };
    vec![
        ("event-presence-connected", change(PresenceEvent::Connected, &["#builds"], "api")),
        ("event-presence-disconnected", change(PresenceEvent::Disconnected, &[], "")),
        ("event-status-update", from_alice(&busy)),
        ("event-status-update-no-progress", from_alice(&idle)),
    ]
}

const fn seq(n: u64) -> Seq {
    Seq::new(n).expect("small numbers are places in the log")
}
