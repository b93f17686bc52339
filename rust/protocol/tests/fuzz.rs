//! Any input is understood or refused with a sentence, and never causes a panic. `PROPTEST_CASES` sets the number of
//! inputs for each property.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::cell::RefCell;
use std::path::Path;
use std::sync::LazyLock;

use orochi_protocol::letters::{fold_case, is_agent_char, is_first_char, nfc};
use orochi_protocol::limits::NAME_CHARS_MAX;
use orochi_protocol::names::RESERVED;
use orochi_protocol::request::{self, Request};
use orochi_protocol::{AgentName, ChannelName, Refusal, Target, Timestamp, mentions};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// The valid and invalid frames of other tests: changes of these find more than noise.
static FRAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let golden = files.map(|text| serde_json::from_str::<Value>(&text).unwrap());
    golden.filter(|one| one["direction"] == "request").map(|one| one["wire"].as_str().unwrap().to_owned()).collect()
});

const TYPES: [&str; 12] = [
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
    "ack",
    "",
];
const FIELDS: [&str; 26] = [
    "channel",
    "content",
    "channels",
    "mentions",
    "metadata",
    "reply_to",
    "limit",
    "since",
    "until",
    "before",
    "after",
    "sender",
    "search",
    "seq",
    "seen",
    "status",
    "current_task",
    "progress",
    "action",
    "params",
    "detail",
    "resume",
    "conflict",
    "events",
    "joined",
    "role",
];

/// One change of a text, at a position given as a share of its length.
#[derive(Debug, Clone)]
enum Change {
    Remove(Index, usize),
    Repeat(Index, usize),
    Insert(Index, String),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), 1..20_usize).prop_map(|(at, chars)| Change::Remove(at, chars)),
        (any::<Index>(), 1..20_usize).prop_map(|(at, chars)| Change::Repeat(at, chars)),
        (any::<Index>(), "[\\PC\"{}\\[\\]:,\\\\]{1,6}").prop_map(|(at, text)| Change::Insert(at, text)),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for change in changes {
        let (Change::Remove(at, _) | Change::Repeat(at, _) | Change::Insert(at, _)) = change;
        let at = at.index(chars.len() + 1);
        match change {
            Change::Remove(_, count) => drop(chars.drain(at..(at + count).min(chars.len()))),
            Change::Repeat(_, count) => {
                let again: Vec<char> = chars[at..(at + count).min(chars.len())].to_vec();
                chars.splice(at..at, again);
            }
            Change::Insert(_, text) => drop(chars.splice(at..at, text.chars())),
        }
    }
    chars.into_iter().collect()
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[#@]?[a-z./-]{0,12}".prop_map(Value::from),
        select(vec!["#general", "@bob", "stored", "replace", "2026-01-15", "busy", "bob"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec(("[a-z]{1,6}", inner), 0..6).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn payload() -> impl Strategy<Value = Map<String, Value>> {
    vec((select(FIELDS.to_vec()), value()), 0..6)
        .prop_map(|entries| entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Checks that a refusal is a sentence for a reader, with a length of a line or two.
fn check_refusal(refusal: &Refusal) -> Result<(), TestCaseError> {
    prop_assert!(refusal.detail.len() > 10, "{refusal:?}");
    prop_assert!(refusal.detail.chars().count() < 800, "{refusal:?}");
    prop_assert!(!refusal.detail.chars().any(char::is_control), "{refusal:?}");
    Ok(())
}

/// Texts in which mentions are hard to distinguish from other things.
fn talk() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        select(vec![
            "@",
            "\u{ff20}",
            "a",
            "B",
            "7",
            "_",
            "-",
            ".",
            " ",
            "\n",
            "```",
            "~~~",
            "`",
            "> ",
            "- ",
            "1. ",
            "   ",
            "Scout",
            "さ",
            "山",
            "한",
            "\u{1112}\u{1161}",
            "ก",
            "ิ",
            "ह",
            "ि",
            "é",
            "e\u{301}",
            "\u{301}",
            "\u{3164}",
            "\u{34f}",
            "ー",
            "\u{1fef}",
            "ß",
            "all",
            "\r",
        ])
        .prop_map(str::to_owned),
        "\\PC",
    ];
    vec(part, 0..60).prop_map(|parts| parts.concat())
}

/// All names that the mentions of a text can mean.
fn all_candidates(content: &str) -> Vec<String> {
    let asked = RefCell::new(Vec::new());
    let found = mentions::find(content, usize::MAX);
    let waiting = mentions::resolve(&found, |name| {
        asked.borrow_mut().push(name.to_owned());
        None
    });
    asked.borrow().iter().cloned().chain(waiting.iter().map(ToString::to_string)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_frame_or_refused(text in "\\PC{0,200}") {
        if let Err(bad) = request::parse(&text) {
            check_refusal(&bad.refusal)?;
        }
    }

    #[test]
    fn what_is_nearly_a_frame_is_one_or_refused(frame in any::<Index>(), changes in vec(change(), 1..6)) {
        let text = changed(&FRAMES[frame.index(FRAMES.len())], &changes);
        if let Err(bad) = request::parse(&text) {
            check_refusal(&bad.refusal)?;
        }
    }

    #[test]
    fn a_refused_payload_is_answered_to_its_request(kind in select(TYPES.to_vec()), payload in payload()) {
        let text = json!({"type": kind, "id": "q-1", "sender": "alice", "payload": payload}).to_string();
        match request::parse(&text) {
            Ok(frame) => {
                prop_assert_eq!((frame.id.as_deref(), frame.sender.as_deref()), (Some("q-1"), Some("alice")));
                if let Request::Message(draft) = &frame.request {
                    prop_assert_eq!(&draft.mentions, &mentions::find(&draft.content, usize::MAX));
                }
            }
            Err(bad) => {
                check_refusal(&bad.refusal)?;
                if !kind.is_empty() {
                    prop_assert_eq!(bad.id.as_deref(), Some("q-1"));
                }
            }
        }
    }

    #[test]
    fn mentions_are_names_that_stand_in_the_text_after_a_sign(content in talk()) {
        let composed = nfc(&content).into_owned();
        for name in all_candidates(&content) {
            prop_assert!(["@", "\u{ff20}"].iter().any(|sign| composed.contains(&format!("{sign}{name}"))), "{}", name);
            let parsed = AgentName::parse(&name).unwrap();
            prop_assert_eq!(parsed.as_str(), &name);
        }
    }

    #[test]
    fn mentions_are_the_same_in_every_normal_form(content in talk()) {
        prop_assert_eq!(mentions::find(&nfc(&content), usize::MAX), mentions::find(&content, usize::MAX));
    }

    #[test]
    fn mentions_go_to_a_registered_name_or_wait_for_the_shortest(content in talk(), which in any::<Index>()) {
        let found = mentions::find(&content, usize::MAX);
        let candidates = all_candidates(&content);
        if candidates.is_empty() {
            return Ok(());
        }
        let registered = which.get(&candidates).as_str();
        let resolved = mentions::resolve(&found, |name| (name == registered).then_some(registered));
        let waiting: Vec<String> = mentions::extract(&content).iter().map(ToString::to_string).collect();
        prop_assert!(resolved.contains(&registered));
        prop_assert!(resolved.iter().all(|name| *name == registered || waiting.iter().any(|other| other == name)));
        prop_assert_eq!(mentions::resolve(&found, |_| None), waiting);
    }

    #[test]
    fn mentions_up_to_a_number_are_the_first_of_all(content in talk(), most in 0..6_usize) {
        let all = mentions::find(&content, usize::MAX);
        prop_assert_eq!(&mentions::find(&content, most)[..], &all[..most.min(all.len())]);
    }

    #[test]
    fn a_name_is_taken_in_nfc_or_refused(text in "\\PC{0,70}|[#@]?[a-z0-9._/-]{0,70}|[é한हि\u{301}\u{3164}\u{1112}\u{1161}]{0,70}") {
        let composed = nfc(&text).into_owned();
        let fits = |text: &str, more: &str| {
            let chars: Vec<char> = text.chars().collect();
            let first = chars.first().copied().is_some_and(is_first_char);
            first && chars.len() <= NAME_CHARS_MAX && chars.iter().all(|c| is_agent_char(*c) || more.contains(*c))
        };
        let bare = composed.strip_prefix('#').unwrap_or(&composed);
        match AgentName::parse(&text) {
            Ok(name) => prop_assert_eq!(name.as_str(), &composed),
            Err(refusal) => check_refusal(&refusal)?,
        }
        prop_assert_eq!(AgentName::parse(&text).is_ok(), fits(&composed, "") && !RESERVED.contains(&composed.as_str()));
        prop_assert_eq!(ChannelName::parse(&text).is_ok(), fits(bare, "/"));
        match Target::parse(&text) {
            Ok(Target::Channel(channel)) => prop_assert_eq!(channel.as_str(), format!("#{bare}")),
            Ok(Target::Direct(agent)) => prop_assert_eq!(format!("@{agent}"), composed),
            Err(refusal) => check_refusal(&refusal)?,
        }
    }

    #[test]
    fn case_folding_is_idempotent_and_ends_in_nfc(text in "\\PC{0,40}") {
        let folded = fold_case(&text);
        prop_assert_eq!(fold_case(&folded), folded.clone());
        prop_assert_eq!(nfc(&folded), folded.as_str());
    }

    #[test]
    fn times_sort_as_their_texts_do(one in any::<i64>(), other in any::<i64>()) {
        let (one, other) = (Timestamp::from_micros(one), Timestamp::from_micros(other));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn a_time_with_an_offset_is_the_same_moment(micros in 0..4_000_000_000_000_000_i64, minutes in -14 * 60..14 * 60_i64) {
        let time = Timestamp::from_micros(micros);
        let local = Timestamp::from_micros(micros + minutes * 60_000_000).to_string();
        let sign = if minutes < 0 { '-' } else { '+' };
        let offset = format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
        prop_assert_eq!(Timestamp::parse(&local.replace("+00:00", &offset)), Some(time));
    }
}
