//! From where a register's messages are delivered (section 9, Resume).

use orochi_protocol::request::{Register, Resume};
use orochi_protocol::{ErrorCode, Refusal, Seq};

use super::beyond_log;
use crate::registry::{AgentIndex, Roster, Start};

/// The place where a register starts, and what its ack says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) start: Start,
    pub(super) resumed: Option<bool>,
}

/// The log as a register meets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogAt<'a> {
    pub(super) epoch: &'a str,
    /// The newest message before the register.
    pub(super) head: Seq,
}

impl LogAt<'_> {
    /// The place where a register starts, by what it asks and by what is known of the name.
    pub(super) fn place(&self, roster: &Roster, name: &str, register: &Register) -> Result<Place, Refusal> {
        let known = roster.find(name);
        let foreign = register.epoch.as_ref().is_some_and(|epoch| *epoch != self.epoch);
        match register.resume {
            None => Ok(Place { start: Start::after(self.head), resumed: None }),
            Some(Resume::After(seq)) if !foreign => {
                check_place("resume", seq, self.head)?;
                self.check_joined(register)?;
                Ok(Place { start: Start::after(seq), resumed: Some(true) })
            }
            Some(_) => {
                if !foreign {
                    self.check_joined(register)?;
                }
                Ok(Place { start: self.stored_start(roster, known), resumed: Some(!foreign) })
            }
        }
    }

    fn check_joined(&self, register: &Register) -> Result<(), Refusal> {
        register.joined.values().try_for_each(|seq| check_place("joined", *seq, self.head))
    }

    fn stored_start(&self, roster: &Roster, known: Option<AgentIndex>) -> Start {
        let Some(record) = known.map(|index| &roster.agent(index).record) else {
            return Start { channels_after: self.head, addressed_after: Seq::ZERO };
        };
        match record.cursor {
            // Of channels nothing from before the name first registered, however early it says `seen`.
            Some(cursor) => Start { channels_after: cursor.max(record.first_head), addressed_after: cursor },
            None => Start { channels_after: record.first_head, addressed_after: Seq::ZERO },
        }
    }
}

/// Refuses to start at a place that the log has not reached.
pub(super) fn check_place(field: &str, seq: Seq, head: Seq) -> Result<(), Refusal> {
    if seq <= head { Ok(()) } else { Err(beyond_log(field, seq, head)) }
}

/// Refuses a `seen` that the log has not reached.
pub(super) fn check_seen(seq: Seq, head: Seq) -> Result<(), Refusal> {
    if seq <= head {
        return Ok(());
    }
    let detail = format!("seen is {seq}, beyond the newest message, {head}: nothing was changed");
    Err(Refusal::new(ErrorCode::InvalidField, detail))
}
