//! Which agents need a person: those that are busy without a sign of life, and those that leave unread what was said to
//! them.

use orochi_protocol::Timestamp;
use orochi_protocol::reply::AgentRow;
use serde::Serialize;

use crate::store::Waiting;

/// Seconds after which an agent that is busy without a sign of life, or leaves mentions unread, is stuck.
const STUCK_SECONDS: i64 = 5 * 60;
/// Senders that are named.
const NAMES_MAX: usize = 3;

/// Why an agent is taken for stuck, for a person to read.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Stuck {
    /// `silent` or `waiting`.
    reason: &'static str,
    detail: String,
    since: Timestamp,
}

/// Whether, and why; None also for one that is offline: nobody expects it to do anything.
pub fn stuck(row: &AgentRow, waiting: &Waiting, now: Timestamp) -> Option<Stuck> {
    if !row.online {
        return None;
    }
    let minutes = |since: Timestamp| {
        let seconds = (now.as_micros() - since.as_micros()) / 1_000_000;
        (seconds >= STUCK_SECONDS).then_some(seconds / 60)
    };
    if let Some(silent_for) = minutes(row.last_heartbeat).filter(|_| row.status == "busy") {
        let detail = format!("busy, and no sign of life for {silent_for} min");
        return Some(Stuck { reason: "silent", detail, since: row.last_heartbeat });
    }
    // Of an agent that never says what it has dealt with one can't tell.
    let since = waiting.oldest_ts.filter(|_| row.cursor.is_some())?;
    let waits_for = minutes(since)?;
    let detail = format!("{} unread from {}, for {waits_for} min", waiting.count, names(&waiting.from));
    Some(Stuck { reason: "waiting", detail, since })
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
    use orochi_protocol::Seq;

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
            machine: String::new(),
            role: String::new(),
            model: String::new(),
            agent_id: "alice".to_owned(),
            project: String::new(),
            status: "busy".to_owned(),
            current_task: String::new(),
            progress: None,
            last_heartbeat: at(100),
            registered_at: at(100),
            online: true,
            last_seen: Some(at(100)),
            connections: 1,
            cursor: None,
        }
    }

    fn waiting(from: &[&str]) -> Waiting {
        let from: Vec<String> = from.iter().map(ToString::to_string).collect();
        let oldest = (!from.is_empty()).then_some(Seq::ZERO.next());
        Waiting { count: u32::try_from(from.len()).unwrap(), oldest, oldest_ts: oldest.map(|_| at(100)), from }
    }

    fn reason(row: &AgentRow, waiting: &Waiting, minute: i64) -> Option<String> {
        stuck(row, waiting, at(minute)).map(|stuck| stuck.detail)
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
    fn an_agent_that_reads_and_leaves_something_unread_is_stuck_after_five_minutes() {
        let reads = AgentRow { status: "idle".to_owned(), cursor: Some(Seq::ZERO), ..busy() };
        assert_eq!(reason(&reads, &waiting(&["bob"]), 104), None);
        let detail = |from: &[&str]| reason(&reads, &waiting(from), 107).unwrap();
        assert_eq!(detail(&["bob"]), "1 unread from bob, for 7 min");
        assert_eq!(detail(&["bob", "carol", "dave"]), "3 unread from bob, carol and dave, for 7 min");
        assert_eq!(detail(&["b", "c", "d", "e"]), "4 unread from b, c and 2 others, for 7 min");
    }

    #[test]
    fn one_that_is_offline_or_never_says_what_it_read_is_not_stuck() {
        let old = AgentRow { status: "idle".to_owned(), ..busy() };
        assert_eq!(reason(&old, &waiting(&["bob"]), 200), None);
        let offline = AgentRow { online: false, cursor: Some(Seq::ZERO), ..busy() };
        assert_eq!(reason(&offline, &waiting(&["bob"]), 200), None);
    }
}
