//! A hook without a resident: one short exchange with a hub on this machine. agents.json stores the offered messages of
//! the session, so that each is offered once.
//!
//! Here messages are offered oldest first: then one seq is enough to record them.

use std::time::Duration;

use serde_json::{Value, json};

use super::input::Input;
use crate::delivery::HookKind;
use crate::http::{Connection, part};
use crate::identity::registry::{self, key};
use crate::identity::{Hub, Registry, SessionEntry, hub, naming};
use crate::message::{self, Message};
use crate::text::{self, HOOK_UNITS_MAX, MESSAGES_MAX, Occasion};

/// The longest exchange with the hub, including the connect.
const HUB_MAX: Duration = Duration::from_millis(38);

/// The offer of a hook.
pub struct Offer {
    /// The text; None if there is none.
    pub context: Option<String>,
    key: String,
    entry: SessionEntry,
}

impl Offer {
    /// Stores that the text was printed.
    pub fn printed(self) {
        // If this can't be stored, the messages are offered again.
        let _ = Registry::change(|registry| registry.sessions.insert(self.key, self.entry));
    }
}

/// Queries the hub. None if this session is no agent.
pub fn ask(input: &Input) -> Option<Offer> {
    let registry = Registry::read();
    let given = ["SCITEX_OROCHI_AGENT", "OROCHI_AGENT"].iter().find_map(|name| std::env::var(name).ok());
    let name = given
        .filter(|name| !name.is_empty())
        .or_else(|| naming::entered(&registry, input.client, &input.session, input.folder()))?;
    let key = key(input.client, &input.session);
    let entry = registry.sessions.get(&key).cloned().unwrap_or_default();
    let entry = SessionEntry { name: name.clone(), seen_at: registry::now(), ..entry };
    let nothing = |entry: &SessionEntry| Offer { context: None, key: key.clone(), entry: entry.clone() };
    if !input.kind.shows() {
        return Some(nothing(&entry));
    }
    let Some((hub, rows)) = local_hub().and_then(|hub| {
        let rows = inbox(&hub, &name, seen(&entry, input.kind))?;
        Some((hub, rows))
    }) else {
        return Some(nothing(&entry));
    };
    Some(offer(input, &name, &hub, &rows, entry, key))
}

/// Returns the hub if it is on this machine: only then does it answer in time for a hook.
fn local_hub() -> Option<Hub> {
    hub::find().ok().filter(Hub::is_local)
}

/// Returns the seq up to which this hook proves that the model went on with the offered messages; 0 for none.
fn seen(entry: &SessionEntry, kind: HookKind) -> u64 {
    let proves = match kind {
        HookKind::Tool | HookKind::Stop { .. } => true,
        HookKind::Prompt => !entry.at_start,
        _ => false,
    };
    match (proves, entry.held) {
        (false, _) => 0,
        (true, 0) => entry.offered,
        (true, held) => entry.offered.min(held - 1),
    }
}

fn inbox(hub: &Hub, name: &str, seen: u64) -> Option<Vec<Message>> {
    let mut connection = Connection::open(hub, HUB_MAX).ok()?;
    let agent = part(name);
    if seen > 0 {
        let body = json!({ "seq": seen });
        connection.send("POST", &format!("/api/agents/{agent}/seen"), Some(&body)).ok()?;
    }
    connection.send("GET", &format!("/api/agents/{agent}/inbox?limit=30"), None).ok()?;
    if seen > 0 {
        connection.response().ok()?;
    }
    let answer = connection.response().ok().filter(|answer| answer.status == 200)?;
    let rows = answer.body.get("messages").or_else(|| answer.body.get("rows")).unwrap_or(&answer.body);
    rows.as_array().map(|rows: &Vec<Value>| rows.iter().filter_map(message::from_row).collect())
}

fn offer(input: &Input, name: &str, hub: &Hub, rows: &[Message], mut entry: SessionEntry, key: String) -> Offer {
    let is_stop = matches!(input.kind, HookKind::Stop { .. });
    let is_start = matches!(input.kind, HookKind::Start { .. });
    let again: Vec<&Message> = rows
        .iter()
        .filter(|row| is_stop && entry.held > 0 && (entry.held..=entry.offered).contains(&row.seq))
        .filter(|row| row.is_request())
        .take(MESSAGES_MAX / 2)
        .collect();
    let new: Vec<&Message> = rows.iter().filter(|row| row.seq > entry.offered).collect();
    let mut fresh: Vec<&Message> = new.iter().take(MESSAGES_MAX / 2).copied().collect();
    if !input.can_show() || (is_stop && !fresh.iter().any(|row| row.is_request())) {
        fresh.clear();
    }
    let room = HOOK_UNITS_MAX - crate::delivery::INTRODUCTION_UNITS_MAX;
    let parts = |fresh: &[&Message]| {
        let mut parts = Vec::new();
        if is_start {
            parts.push(text::introduction(name, &hub.url, rows.len()));
        }
        if !again.is_empty() {
            parts.push(text::render(name, &again, Occasion::Repetition, 0));
        }
        if !fresh.is_empty() {
            parts.push(text::render(name, fresh, Occasion::Context, new.len() - fresh.len()));
        }
        parts.join("\n\n")
    };
    while !fresh.is_empty() && text::units(&parts(&fresh)) > room {
        fresh.pop();
    }
    let context = parts(&fresh);
    if let Some(last) = fresh.last() {
        entry.offered = last.seq;
        entry.at_start = is_start;
    }
    if is_stop {
        entry.held = 0;
    } else if input.kind == HookKind::Tool && entry.held == 0 {
        entry.held = fresh.iter().find(|row| row.is_request()).map_or(0, |row| row.seq);
    }
    Offer { context: (!context.is_empty()).then_some(context), key, entry }
}
