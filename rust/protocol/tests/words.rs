//! The table of mentions in `tests/words/mentions.json`. The Python package and the page are tested with it too.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use orochi_protocol::letters::fold_case;
use orochi_protocol::limits::MENTIONS_MAX;
use orochi_protocol::request::Draft;
use orochi_protocol::{ChannelName, ErrorCode, Target, mentions};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    content: String,
    #[serde(default)]
    registered: Vec<String>,
    mentions: Vec<String>,
    #[serde(rename = "why", default)]
    _why: String,
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/words/mentions.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The registered agent for a name in a text, by section 4.
fn registered<'a>(names: &'a [String], written: &str) -> Option<&'a str> {
    let exact = names.iter().find(|name| *name == written);
    let mut alike = names.iter().filter(|name| fold_case(name) == fold_case(written));
    exact
        .or(match (alike.next(), alike.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        })
        .map(String::as_str)
}

#[test]
fn mentions_are_those_of_the_table() {
    for case in cases() {
        let found = mentions::find(&case.content, usize::MAX);
        let resolved = mentions::resolve(&found, |written| registered(&case.registered, written));
        assert_eq!(resolved, case.mentions, "{:?} with {:?}", case.content, case.registered);
        if case.registered.is_empty() {
            let extracted: Vec<String> = mentions::extract(&case.content).iter().map(ToString::to_string).collect();
            assert_eq!(extracted, case.mentions, "{:?}", case.content);
        }
    }
}

#[test]
fn mentions_are_at_most_256_in_a_message() {
    let draft = |count: usize| {
        let content = (0..count).map(|n| format!("@a{n} @a{n} ")).collect();
        Draft::new(Target::Channel(ChannelName::general()), content)
    };
    assert_eq!(draft(MENTIONS_MAX).unwrap().mentions.len(), 256);
    assert_eq!(draft(MENTIONS_MAX + 1).unwrap_err().code, ErrorCode::TooLarge);
}
