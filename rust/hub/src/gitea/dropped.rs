//! Lists the parts of a request that Gitea ignored silently: unknown labels, labels and assignees that a user may not
//! set, the end of a long title. The list is added to Gitea's own answer.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::failure::{Failure, unavailable};

/// The parts of a request that Gitea may ignore.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) title: Option<&'a str>,
    pub(super) labels: &'a [u64],
    pub(super) assignees: &'a [String],
}

#[derive(Deserialize)]
struct Made {
    #[serde(default)]
    title: String,
    labels: Option<Vec<Id>>,
    assignees: Option<Vec<User>>,
}

#[derive(Deserialize)]
struct Id {
    id: u64,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

/// Gitea's issue, with `labels_dropped`, `assignees_dropped` and `title_cut` if something was ignored.
pub(super) fn of_issue(made: Box<RawValue>, asked: &Asked<'_>) -> Result<Box<RawValue>, Failure> {
    let issue: Made = serde_json::from_str(made.get()).map_err(|error| no_issue(&error))?;
    let mut told = Map::new();
    let has: Vec<u64> = issue.labels.unwrap_or_default().into_iter().map(|label| label.id).collect();
    let labels: Vec<u64> = asked.labels.iter().copied().filter(|id| !has.contains(id)).collect();
    let has = issue.assignees.unwrap_or_default();
    let is_assigned = |name: &str| has.iter().any(|user| user.login.eq_ignore_ascii_case(name));
    let assignees: Vec<&String> = asked.assignees.iter().filter(|name| !is_assigned(name)).collect();
    if !labels.is_empty() {
        told.insert("labels_dropped".to_owned(), json!(labels));
    }
    if !assignees.is_empty() {
        told.insert("assignees_dropped".to_owned(), json!(assignees));
    }
    if asked.title.is_some_and(|title| is_cut(title, &issue.title)) {
        told.insert("title_cut".to_owned(), json!(true));
    }
    if told.is_empty() { Ok(made) } else { with(&made, &told) }
}

/// Gitea's answer after labels were added: all labels of the issue. Becomes `{"labels", "labels_dropped"}` if some were
/// not added.
pub(super) fn of_labels(all: Box<RawValue>, asked: &[u64]) -> Result<Box<RawValue>, Failure> {
    let has: Vec<Id> = serde_json::from_str(all.get()).map_err(|error| no_issue(&error))?;
    let dropped: Vec<u64> = asked.iter().copied().filter(|id| has.iter().all(|label| label.id != *id)).collect();
    if dropped.is_empty() {
        return Ok(all);
    }
    let told = format!("{{\"labels_dropped\":{},\"labels\":{}}}", json!(dropped), all.get());
    RawValue::from_string(told).map_err(|error| no_issue(&error))
}

fn is_cut(asked: &str, kept: &str) -> bool {
    kept.strip_suffix('\u{2026}').is_some_and(|start| asked != kept && asked.trim_start().starts_with(start))
}

/// Adds keys in front of Gitea's bytes, which stay unchanged. This relies on an issue having at least one key.
fn with(made: &RawValue, told: &Map<String, Value>) -> Result<Box<RawValue>, Failure> {
    let told = Value::Object(told.clone()).to_string();
    let (told, rest) = (told.trim_end_matches('}'), made.get().trim_start_matches('{'));
    RawValue::from_string(format!("{told},{rest}")).map_err(|error| no_issue(&error))
}

fn no_issue(error: &serde_json::Error) -> Failure {
    unavailable(&format!("did it, but its answer is not an issue ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_that_was_cut_is_the_beginning_of_the_one_asked_for() {
        assert!(is_cut("a long title", "a lo\u{2026}"));
        for (asked, kept) in
            [("a", "a"), ("and so on\u{2026}", "and so on\u{2026}"), ("x", "y\u{2026}"), ("a b", "a c")]
        {
            assert!(!is_cut(asked, kept), "{asked} {kept}");
        }
    }

    #[test]
    fn nothing_dropped_leaves_every_byte_as_gitea_wrote_it() {
        let text = r#"{ "title":"t", "labels":[{"id":1}], "assignees":null, "n":1.0e5 }"#;
        let asked = Asked { title: Some("t"), labels: &[1], assignees: &[] };
        let same = of_issue(RawValue::from_string(text.to_owned()).unwrap(), &asked).unwrap();
        assert_eq!(same.get(), text);
        let asked = Asked { labels: &[1, 2], assignees: &["ana".to_owned()], ..asked };
        let told = of_issue(same, &asked).unwrap();
        assert!(told.get().ends_with(r#""n":1.0e5 }"#));
        let value: Value = serde_json::from_str(told.get()).unwrap();
        assert_eq!((&value["labels_dropped"], &value["assignees_dropped"]), (&json!([2]), &json!(["ana"])));
    }
}
