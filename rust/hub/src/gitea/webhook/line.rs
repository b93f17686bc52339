//! An event as one line, with its mentions and its data.

use std::fmt::Write;

use orochi_protocol::AgentName;
use orochi_protocol::mentions::Mention;
use serde_json::{Map, Value, json};

use super::event::Event;
use super::text::{link, mentioned, one_line, shown};

/// Longest title, name and quoted text, in characters.
const TITLE_CHARS: usize = 120;
const NAME_CHARS: usize = 60;
const EXCERPT_CHARS: usize = 200;
/// Agents that one event can mention.
const MENTIONS_MAX: usize = 20;
/// The last line of each text that the hub itself sent to Gitea for an agent.
const OWN: &str = "*Asked for by the agent* `";

/// The message for an event.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    /// One line. An `@` in it is quoted text: the message's mentions are those in `mentions`.
    pub content: String,
    /// The agents mentioned in the event's own text, and the agents whose work it concerns.
    pub mentions: Vec<Mention>,
    /// The event as data, under the key `gitea`.
    pub metadata: Value,
}

impl Line {
    /// Builds the line for an event. It also mentions `concerned`, the agents whose work the event concerns. A text
    /// that an agent wrote through the hub mentions nobody: the agent would answer itself.
    pub(crate) fn new(event: &Event, concerned: &[AgentName]) -> Self {
        let is_own = event.body.contains(OWN);
        let mut content = format!("[{}] ", name(&event.repo));
        if event.is_late {
            content += "(late) ";
        }
        if !is_result(event) {
            let _ = write!(content, "{} ", name(&event.sender));
        }
        content += &what(event);
        let said = event.body.split("\n---\n").next().filter(|_| is_own).unwrap_or(&event.body);
        let excerpt = one_line(&shown(said), EXCERPT_CHARS);
        if !excerpt.is_empty() && !excerpt.starts_with(OWN) {
            let _ = write!(content, " \u{201c}{excerpt}\u{201d}");
        }
        let url = link(&event.url);
        if let Some(url) = url {
            let _ = write!(content, " {url}");
        }
        let mut mentions = if is_own { Vec::new() } else { mentioned(&event.body, MENTIONS_MAX) };
        mentions.extend(concerned.iter().cloned().map(Mention::from));
        Self { content, mentions, metadata: json!({ "gitea": data(event, url, is_own) }) }
    }
}

/// The agent for which the hub wrote this text to Gitea.
pub(crate) fn author_of(text: &str) -> Option<AgentName> {
    let (_, after) = text.rsplit_once(OWN)?;
    AgentName::parse(after.split_once('`')?.0).ok()
}

/// The event's fields as data, without those that are empty for its kind.
fn data(event: &Event, url: Option<&str>, is_own: bool) -> Map<String, Value> {
    let all = json!({
        "event": event.kind, "action": event.action, "repo": event.repo, "sender": event.sender,
        "number": event.number, "title": one_line(&event.title, TITLE_CHARS), "url": url,
        "state": event.state, "branch": event.branch, "sha": event.sha, "context": event.context,
        "place": event.place, "own": is_own, "late": event.is_late,
    });
    let all = all.as_object().into_iter().flatten();
    let told = all.filter(|(_, value)| !matches!(value, Value::Null | Value::Bool(false)) && **value != "");
    told.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The action and its subject, such as `opened issue #7: It fails`.
fn what(event: &Event) -> String {
    let title = one_line(&event.title, TITLE_CHARS);
    let number = event.number.map(|number| format!(" #{number}")).unwrap_or_default();
    let thing = if event.is_pull { "pull request" } else { "issue" };
    let action = name(&event.action);
    match event.kind.as_str() {
        "push" => push(event, &title),
        "status" | "workflow_run" => result(event, &title),
        "release" => format!("{action} release {title}"),
        "review_comment" => {
            format!("commented on {} of {thing}{number}: {title}", one_line(&event.place, TITLE_CHARS))
        }
        "issue_comment" => match event.action.as_str() {
            "created" => format!("commented on {thing}{number}: {title}"),
            _ => format!("{action} a comment on {thing}{number}: {title}"),
        },
        _ => match event.action.as_str() {
            "rejected" => format!("asked for changes in {thing}{number}: {title}"),
            "label_updated" | "label_cleared" => format!("changed the labels of {thing}{number}: {title}"),
            "milestoned" | "demilestoned" => format!("changed the milestone of {thing}{number}: {title}"),
            "synchronized" => format!("pushed to {thing}{number}: {title}"),
            "review_requested" => format!("asked for a review of {thing}{number}: {title}"),
            "review_request_removed" => format!("asked no more for a review of {thing}{number}: {title}"),
            _ => format!("{action} {thing}{number}: {title}"),
        },
    }
}

fn push(event: &Event, title: &str) -> String {
    let branch = name(&event.branch);
    let kind = if event.is_tag { "tag" } else { "branch" };
    let title = if title.is_empty() { String::new() } else { format!(": {title}") };
    match event.action.as_str() {
        "tested" => "sent a test delivery".to_owned(),
        "deleted" | "created" => format!("{} {kind} {branch}", event.action),
        _ => format!("pushed {} to {branch}{title}", counted(event.commits)),
    }
}

fn is_result(event: &Event) -> bool {
    matches!(event.kind.as_str(), "status" | "workflow_run")
}

/// A CI result, such as `ci/test failed on main at fac3c4a: it is failure`.
fn result(event: &Event, title: &str) -> String {
    let ended = match event.state.as_str() {
        "success" => "succeeded",
        "error" => "ended with an error",
        _ => "failed",
    };
    let branch = if event.branch.is_empty() { String::new() } else { format!(" on {}", name(&event.branch)) };
    let title = if title.is_empty() { String::new() } else { format!(": {title}") };
    format!("{} {ended}{branch} at {}{title}", name(&event.context), name(event.short_sha()))
}

fn counted(commits: u64) -> String {
    if commits == 1 { "1 commit".to_owned() } else { format!("{commits} commits") }
}

fn name(text: &str) -> String {
    one_line(text, NAME_CHARS)
}

#[cfg(test)]
mod tests {
    use orochi_protocol::mentions::resolve;

    use super::*;

    fn line(kind: &str, body: &Value) -> Line {
        Line::new(&Event::parse(kind, body.to_string().as_bytes()).unwrap().unwrap(), &[])
    }

    fn names(line: &Line) -> Vec<&str> {
        resolve(&line.mentions, |_| None)
    }

    fn issue(action: &str, body: &str) -> Value {
        json!({"action": action, "number": 7, "repository": {"full_name": "lab/api"}, "sender": {"login": "ana"},
               "issue": {"number": 7, "title": "It fails", "body": body, "state": "open", "html_url": "http://g/lab/api/issues/7"}})
    }

    #[test]
    fn what_somebody_wrote_is_quoted_and_calls_whom_it_names() {
        let line = line("issues", &issue("opened", "On gpu-1.\nSee `@decorator`. @bob, can you?"));
        assert_eq!(
            line.content,
            "[lab/api] ana opened issue #7: It fails \u{201c}On gpu-1. See `@decorator`. @bob, can you?\u{201d} \
             http://g/lab/api/issues/7"
        );
        assert_eq!(names(&line), ["bob"]);
        assert_eq!(line.metadata["gitea"]["number"], 7);
        assert!(line.metadata["gitea"].get("own").is_none());
    }

    #[test]
    fn what_an_agent_asked_for_calls_nobody() {
        let line = line("issues", &issue("opened", "@bob\n\n---\n*Asked for by the agent* `alice`"));
        assert!(line.mentions.is_empty(), "{line:?}");
        assert_eq!(line.metadata["gitea"]["own"], true);
    }

    #[test]
    fn names_and_titles_call_nobody_and_stay_in_their_line() {
        let mut hostile = issue("opened", "");
        hostile["issue"]["title"] = json!(format!("@bob\n\u{1b}[2J{}", "x".repeat(1_000_000)));
        hostile["sender"]["login"] = json!("@eve");
        hostile["issue"]["html_url"] = json!("javascript:alert(1)");
        let line = line("issues", &hostile);
        assert!(line.mentions.is_empty(), "{line:?}");
        assert!(line.content.chars().count() < 300 && !line.content.chars().any(char::is_control));
        assert!(!line.content.contains("javascript"));
    }

    #[test]
    fn mentions_of_a_line_are_those_of_the_whole_text_and_of_whom_it_concerns() {
        let far = issue("opened", &format!("{} @carol @bob", "x ".repeat(300)));
        let event = Event::parse("issues", far.to_string().as_bytes()).unwrap().unwrap();
        let concerned = [AgentName::parse("bob").unwrap(), AgentName::parse("dave").unwrap()];
        assert_eq!(names(&Line::new(&event, &concerned)), ["carol", "bob", "dave"]);
    }

    #[test]
    fn author_of_a_text_is_the_agent_in_its_last_line() {
        let author = |text| author_of(text).map(|name| name.to_string());
        assert_eq!(author("x\n\n---\n*Asked for by the agent* `alice` *in* `#api`").as_deref(), Some("alice"));
        assert_eq!(author("*Asked for by the agent* `bob`").as_deref(), Some("bob"));
        assert_eq!((author("by alice"), author("*Asked for by the agent* `a b`")), (None, None));
    }
}
