//! The position from which a register's messages are delivered (section 9, Resume).

use orochi_protocol::request::{Register, Resume};
use orochi_protocol::{ErrorCode, Refusal, Seq};

use super::refusals::beyond_log;
use crate::links::Start;
use crate::roster::Agent;

/// The position at which a register starts, and the `resumed` of its ack.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartPosition {
    from: From,
    pub(super) resumed: Option<bool>,
}

/// The requested start, given the state of the name when the register was ordered.
#[derive(Debug, Clone, Copy)]
enum From {
    /// Only messages after the register.
    Here,
    After(Seq),
    /// Everything that the name has not handled.
    Stored {
        cursor: Option<Seq>,
    },
    /// As `Stored`, for a new name: everything addressed to it.
    Unheard,
}

impl StartPosition {
    /// Returns the position in the log. `head` is the newest message before this register, `first_head` the newest
    /// before the name's first register.
    pub(super) fn start(self, first_head: Seq, head: Seq) -> Start {
        let start = match self.from {
            From::Here => Start::after(head),
            From::After(seq) => Start::after(seq),
            // Channels start no earlier than the name's first register, however early its `seen` is.
            From::Stored { cursor: Some(cursor) } => {
                Start { channels_after: cursor.max(first_head), addressed_after: cursor }
            }
            From::Stored { cursor: None } => Start { channels_after: first_head, addressed_after: Seq::ZERO },
            From::Unheard => Start { channels_after: head, addressed_after: Seq::ZERO },
        };
        start.at_most(head)
    }
}

/// The log at the time when an entry is applied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent<'a> {
    pub(super) epoch: &'a str,
    /// The newest message of the previous batches.
    pub(super) committed: Seq,
}

impl Extent<'_> {
    /// Decides where a register starts, by its request and by the state of its name.
    pub(super) fn start_position(&self, known: Option<&Agent>, register: &Register) -> Result<StartPosition, Refusal> {
        let foreign = register.epoch.as_ref().is_some_and(|epoch| *epoch != self.epoch);
        let (from, resumed) = match register.resume {
            None => (From::Here, None),
            Some(Resume::After(seq)) if !foreign => {
                check_position("resume", seq, self.committed)?;
                self.check_joined(register)?;
                (From::After(seq), Some(true))
            }
            Some(_) => {
                if !foreign {
                    self.check_joined(register)?;
                }
                let from = known.map_or(From::Unheard, |agent| From::Stored { cursor: agent.record.cursor });
                (from, Some(!foreign))
            }
        };
        Ok(StartPosition { from, resumed })
    }

    fn check_joined(&self, register: &Register) -> Result<(), Refusal> {
        register.joined.values().try_for_each(|seq| check_position("joined", *seq, self.committed))
    }
}

/// Refuses a position that the log has not reached.
pub(super) fn check_position(field: &str, seq: Seq, head: Seq) -> Result<(), Refusal> {
    if seq <= head { Ok(()) } else { Err(beyond_log(field, seq, head)) }
}

/// Refuses a `seen` or `offered` that the log has not reached.
pub(super) fn check_reached(field: &str, seq: Seq, head: Seq) -> Result<(), Refusal> {
    if seq <= head {
        return Ok(());
    }
    let detail = format!("{field} is {seq}, beyond the newest message, {head}: nothing was changed");
    Err(Refusal::new(ErrorCode::InvalidField, detail))
}
