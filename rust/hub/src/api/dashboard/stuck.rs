//! Agents that need a person: busy ones without a sign of life, ones that leave their messages unread, and ones that
//! vanished in the middle of their work.

use orochi_protocol::Timestamp;
use orochi_protocol::reply::AgentRow;
use serde::Serialize;

use crate::store::Waiting;
use crate::store::states::{CurrentState, HUB_DOWN, LOST, is_work};

/// An agent that is busy without a sign of life, or leaves mentions unread, for this many seconds is stuck.
const STUCK_SECONDS: i64 = 5 * 60;
/// A vanished agent that is not back after this many seconds is lost. A short break of the network does not count.
const LOST_SECONDS: i64 = 3;
/// Seconds after the hub's start in which agents are expected back.
const BACK_SECONDS: i64 = 60;
/// The most senders that are named.
const NAMES_MAX: usize = 3;

/// The reason why an agent counts as stuck, for people.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stuck {
    /// `blocked` (it needs a person), `silent`, `waiting` (unread messages), or `unanswered` (messages to an agent that
    /// does not report what it has read).
    reason: &'static str,
    detail: String,
    since: Timestamp,
}

/// Finds out whether an agent is stuck. Offline agents are not: nobody expects them to do anything. `state_since` is
/// the time of its last status.
pub(crate) fn stuck(
    row: &AgentRow,
    waiting: &Waiting,
    state_since: Option<Timestamp>,
    now: Timestamp,
) -> Option<Stuck> {
    if !row.online {
        return None;
    }
    if row.status == "blocked" {
        let detail =
            if row.current_task.is_empty() { "blocked".to_owned() } else { format!("blocked: {}", row.current_task) };
        return Some(Stuck { reason: "blocked", detail, since: state_since.unwrap_or(row.last_heartbeat) });
    }
    let minutes = |since: Timestamp| {
        let seconds = (now.as_micros() - since.as_micros()) / 1_000_000;
        (seconds >= STUCK_SECONDS).then_some(seconds / 60)
    };
    if let Some(silent_for) = minutes(row.last_heartbeat).filter(|_| row.status == "busy") {
        let detail = format!("busy, and no sign of life for {silent_for} min");
        return Some(Stuck { reason: "silent", detail, since: row.last_heartbeat });
    }
    let since = waiting.oldest_ts?;
    let waits_for = minutes(since)?;
    let (count, from) = (waiting.count, names(&waiting.from));
    if row.cursor.is_none() {
        let detail =
            format!("{count} unanswered from {from}, for {waits_for} min; it does not report what it has read");
        return Some(Stuck { reason: "unanswered", detail, since });
    }
    Some(Stuck { reason: "waiting", detail: format!("{count} unread from {from}, for {waits_for} min"), since })
}

/// The reason why an agent counts as lost.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Lost {
    /// Its last status.
    was: String,
    detail: &'static str,
    since: Timestamp,
}

/// Finds out whether an offline agent vanished in the middle of its work. `status` is its last one.
pub(crate) fn lost(current: &CurrentState, status: &str, now: Timestamp, started: Timestamp) -> Option<Lost> {
    let has_passed = |since: Timestamp, seconds: i64| now.as_micros() - since.as_micros() >= seconds * 1_000_000;
    let since = current.since;
    match current.state.as_str() {
        LOST if has_passed(since, LOST_SECONDS) => {
            let detail = "its connection broke without a goodbye";
            Some(Lost { was: status.to_owned(), detail, since })
        }
        HUB_DOWN if has_passed(started, BACK_SECONDS) => {
            let was = current.before.clone().filter(|state| is_work(state))?;
            Some(Lost { was, detail: "it did not come back after the hub's restart", since })
        }
        _ => None,
    }
}

/// "alice, bob and 2 others".
fn names(from: &[String]) -> String {
    match from {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] if from.len() <= NAMES_MAX => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} others", from[..NAMES_MAX - 1].join(", "), from.len() - (NAMES_MAX - 1)),
    }
}

#[cfg(test)]
mod tests {
    use orochi_protocol::{Identity, Seq};

    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * MINUTE)
    }

    /// An agent that said at minute 100 that it is busy.
    fn busy() -> AgentRow {
        AgentRow {
            name: "alice".to_owned(),
            channels: Vec::new(),
            identity: Identity { agent_id: "alice".to_owned(), ..Identity::default() },
            status: "busy".to_owned(),
            current_task: String::new(),
            progress: None,
            last_heartbeat: at(100),
            registered_at: at(100),
            online: true,
            last_seen: Some(at(100)),
            connections: 1,
            cursor: None,
            reach: None,
        }
    }

    fn waiting(from: &[&str]) -> Waiting {
        let from: Vec<String> = from.iter().map(ToString::to_string).collect();
        let oldest = (!from.is_empty()).then_some(Seq::ZERO.next());
        Waiting { count: u32::try_from(from.len()).unwrap(), oldest, oldest_ts: oldest.map(|_| at(100)), from }
    }

    fn reason(row: &AgentRow, waiting: &Waiting, minute: i64) -> Option<String> {
        stuck(row, waiting, None, at(minute)).map(|stuck| stuck.detail)
    }

    #[test]
    fn a_busy_agent_without_a_sign_of_life_is_stuck_after_five_minutes() {
        assert_eq!(reason(&busy(), &waiting(&[]), 104), None);
        let why = "busy, and no sign of life for 5 min".to_owned();
        assert_eq!(reason(&busy(), &waiting(&[]), 105), Some(why));
        let idle = AgentRow { status: "idle".to_owned(), ..busy() };
        assert_eq!(reason(&idle, &waiting(&[]), 200), None);
    }

    #[test]
    fn stuck_counts_a_blocked_agent_at_once() {
        let blocked = AgentRow { status: "blocked".to_owned(), current_task: "May I push?".to_owned(), ..busy() };
        let found = stuck(&blocked, &waiting(&[]), Some(at(99)), at(100)).unwrap();
        assert_eq!((found.reason, found.detail.as_str(), found.since), ("blocked", "blocked: May I push?", at(99)));
    }

    #[test]
    fn an_agent_that_reads_and_leaves_something_unread_is_stuck_after_five_minutes() {
        let reads = AgentRow { status: "idle".to_owned(), cursor: Some(Seq::ZERO), ..busy() };
        assert_eq!(reason(&reads, &waiting(&["bob"]), 104), None);
        let detail = |from: &[&str]| reason(&reads, &waiting(from), 107).unwrap();
        assert_eq!(detail(&["bob"]), "1 unread from bob, for 7 min");
        assert_eq!(detail(&["bob", "carol", "dave"]), "3 unread from bob, carol and dave, for 7 min");
        assert_eq!(detail(&["b", "c", "d", "e"]), "4 unread from b, c and 2 others, for 7 min");
    }

    #[test]
    fn stuck_names_an_agent_that_never_reports_what_it_read_and_leaves_messages_unanswered() {
        let old = AgentRow { status: "idle".to_owned(), ..busy() };
        assert_eq!(reason(&old, &waiting(&["bob"]), 104), None);
        let why = "1 unanswered from bob, for 8 min; it does not report what it has read";
        assert_eq!(reason(&old, &waiting(&["bob"]), 108), Some(why.to_owned()));
    }

    #[test]
    fn lost_after_a_broken_connection_or_a_restart_only_in_the_middle_of_work() {
        let second = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let is_lost = |state: &str, before: &str, now: i64, started: i64| {
            let current =
                CurrentState { state: state.to_owned(), since: second(1000), before: Some(before.to_owned()) };
            lost(&current, "busy", second(now), second(started)).map(|lost| lost.was)
        };
        let busy = Some("busy".to_owned());
        assert_eq!(is_lost(LOST, "busy", 1002, 0), None, "it may be back at once");
        assert_eq!(is_lost(LOST, "busy", 1003, 0), busy);
        assert_eq!(is_lost(LOST, "busy", 2001, 2000), busy, "a restart does not end it");
        assert_eq!(is_lost(HUB_DOWN, "busy", 1064, 1005), None);
        assert_eq!(is_lost(HUB_DOWN, "busy", 1065, 1005), busy);
        assert_eq!(is_lost(HUB_DOWN, "error", 1065, 1005), Some("error".to_owned()));
        assert_eq!(is_lost(HUB_DOWN, "idle", 2000, 1005), None);
        assert_eq!(is_lost("offline", "busy", 2000, 0), None);
    }

    #[test]
    fn one_that_is_offline_is_not_stuck() {
        let offline = AgentRow { online: false, cursor: Some(Seq::ZERO), ..busy() };
        assert_eq!(reason(&offline, &waiting(&["bob"]), 200), None);
    }
}
