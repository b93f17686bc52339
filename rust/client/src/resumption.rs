//! The client's position in the log, and the register that continues there.
//!
//! Delivery is exact because every message has a seq, and each seq is accepted once and in order. Whenever something
//! may have been missed, after a lost connection or a full inbox, everything after the last accepted seq is requested.
//!
//! Pure: no socket and no clock.

use orochi_protocol::incoming::AckPayload;
use orochi_protocol::request::{Conflict, Register, Resume};
use orochi_protocol::{ChannelName, ErrorCode, ReceivedCode, Seq};

use crate::error::Error;
use crate::outstanding::Change;

/// The position in the log, and what the agent's register says of itself and its channels.
#[derive(Debug)]
pub(crate) struct Resumption {
    /// The program's register, with the changes that the hub has acked since.
    register: Register,
    /// The log's epoch; None from a 0.1.0 hub.
    epoch: Option<String>,
    /// The seq of the last message in the inbox, or the seq after which the delivery begins.
    last_seq: Seq,
    /// The log's head at the first register. Up to this seq, the hub decides what a `"stored"` start delivers.
    first_head: Seq,
    /// The first register named no channels, so the hub provides them.
    keeps_channels: bool,
    overflow: Overflow,
}

/// Messages that the inbox had no room for. They stay in the hub's log.
#[derive(Debug, PartialEq, Eq)]
enum Overflow {
    /// There are none.
    None,
    /// They are not requested yet.
    Left,
    /// The register with this id requests them.
    Fetching(String),
}

impl Resumption {
    /// The position after the first register and its ack.
    pub(crate) fn new(mut register: Register, ack: &AckPayload) -> Self {
        let keeps_channels = take_kept_channels(&mut register, ack);
        let first_head = ack.seq.unwrap_or_default();
        let last_seq = match register.resume {
            None => first_head,
            Some(Resume::After(seq)) if ack.resumed == Some(true) => seq,
            Some(_) => Seq::ZERO,
        };
        let (epoch, overflow) = (ack.epoch.clone(), Overflow::None);
        Self { register, epoch, last_seq, first_head, keeps_channels, overflow }
    }

    /// Returns whether a message with this seq is wanted: it is new, and no earlier one was left in the log.
    pub(crate) fn wants(&self, seq: Seq) -> bool {
        self.overflow == Overflow::None && seq > self.last_seq
    }

    /// Notes that the message is in the inbox.
    pub(crate) fn accepted(&mut self, seq: Seq) {
        self.last_seq = seq;
    }

    /// Notes that the inbox is full.
    pub(crate) fn overflowed(&mut self) {
        if self.overflow == Overflow::None {
            self.overflow = Overflow::Left;
        }
    }

    pub(crate) fn is_overflowed(&self) -> bool {
        self.overflow != Overflow::None
    }

    /// Returns whether messages were left in the log and are not requested yet.
    pub(crate) fn has_left_some(&self) -> bool {
        self.overflow == Overflow::Left
    }

    /// Notes that the register with this id requests the messages that were left in the log. Returns that register. It
    /// must not replace other connections of the name.
    pub(crate) fn fetch(&mut self, id: &str) -> Register {
        self.overflow = Overflow::Fetching(id.to_owned());
        Register { conflict: Conflict::Join, ..self.next_register() }
    }

    /// Handles an ack. If it answers the fetch, the messages that were left in the log follow.
    pub(crate) fn acked(&mut self, id: &str) {
        if self.is_fetch(id) {
            self.overflow = Overflow::None;
        }
    }

    /// Handles a refusal. Returns whether it answers the fetch, which is then due again.
    pub(crate) fn refused(&mut self, id: &str) -> bool {
        let is_fetch = self.is_fetch(id);
        if is_fetch {
            self.overflow = Overflow::Left;
        }
        is_fetch
    }

    fn is_fetch(&self, id: &str) -> bool {
        matches!(&self.overflow, Overflow::Fetching(fetch) if fetch == id)
    }

    /// Applies a change that the hub acked when the log's head was `head`.
    pub(crate) fn apply(&mut self, change: Change, head: Option<Seq>) {
        change.apply(&mut self.register, head);
    }

    /// The register for a new connection. Another connection that registered the name meanwhile stays: only the
    /// program's own connect replaces others.
    pub(crate) fn returning_register(&self) -> Register {
        let conflict = match self.register.conflict {
            Conflict::Replace => Conflict::Join,
            conflict @ (Conflict::Join | Conflict::Refuse) => conflict,
        };
        Register { conflict, ..self.next_register() }
    }

    /// The register that continues at this position.
    fn next_register(&self) -> Register {
        let is_hubs_affair = self.register.resume == Some(Resume::Stored) && self.last_seq < self.first_head;
        let resume = if is_hubs_affair { Resume::Stored } else { Resume::After(self.last_seq) };
        let mut register = Register { resume: Some(resume), epoch: self.epoch.clone(), ..self.register.clone() };
        if is_hubs_affair && self.keeps_channels {
            // The hub knows the start of each channel.
            register.channels = None;
        }
        register
    }

    /// Handles the refusal of a new connection's register. If its positions are beyond the log, because a backup was
    /// restored, removes them from the register and from here, and returns true.
    pub(crate) fn fall_back(&mut self, error: &Error, register: &mut Register) -> bool {
        let Error::Refused { code, .. } = error else { return false };
        let has_positions = register.resume != Some(Resume::Stored) || !register.joined.is_empty();
        if !is_beyond_log(code) || !has_positions {
            return false;
        }
        register.resume = Some(Resume::Stored);
        register.joined.clear();
        self.begin_log();
        true
    }

    /// Continues on a new connection with this ack. Returns true if it is to another log.
    pub(crate) fn resumed(&mut self, ack: &AckPayload) -> bool {
        self.overflow = Overflow::None;
        self.epoch.clone_from(&ack.epoch);
        let is_other_log = ack.resumed == Some(false);
        if is_other_log {
            self.begin_log();
        }
        is_other_log
    }

    /// The received seqs have no relation to the hub's log.
    fn begin_log(&mut self) {
        self.last_seq = Seq::ZERO;
        self.register.joined.clear();
    }
}

/// Stores the channels that the hub keeps for the name, if the register named none. A new connection joins them, with
/// the changes that the program makes meanwhile. Returns whether this was done.
fn take_kept_channels(register: &mut Register, ack: &AckPayload) -> bool {
    if register.channels.is_some() {
        return false;
    }
    let names = ack.channels.iter().flatten().filter_map(|name| ChannelName::parse(name).ok());
    register.channels = Some(names.collect());
    true
}

/// Returns whether a register was refused because its position belongs to a newer log. Early hubs answered
/// INVALID_FIELD.
fn is_beyond_log(code: &ReceivedCode) -> bool {
    matches!(code, ReceivedCode::Known(ErrorCode::ResumeBeyond | ErrorCode::InvalidField))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(n: u64) -> Seq {
        Seq::new(n).expect("small")
    }

    fn ack(head: u64, resumed: Option<bool>) -> AckPayload {
        AckPayload { seq: Some(seq(head)), epoch: Some("e".to_owned()), resumed, ..AckPayload::default() }
    }

    fn after(resumption: &Resumption) -> Option<Resume> {
        resumption.returning_register().resume
    }

    fn refusal(code: ErrorCode) -> Error {
        Error::Refused { code: code.into(), detail: "no".to_owned(), retry_after: None, status: None }
    }

    #[test]
    fn resumption_begins_at_the_head_or_at_the_requested_seq() {
        let from =
            |resume, resumed| after(&Resumption::new(Register { resume, ..Register::default() }, &ack(9, resumed)));
        assert_eq!(from(None, None), Some(Resume::After(seq(9))));
        assert_eq!(from(Some(Resume::After(seq(3))), Some(true)), Some(Resume::After(seq(3))));
        assert_eq!(from(Some(Resume::After(seq(3))), Some(false)), Some(Resume::After(Seq::ZERO)));
        assert_eq!(from(Some(Resume::Stored), Some(true)), Some(Resume::Stored));
    }

    #[test]
    fn resumption_accepts_each_seq_once_and_none_after_an_overflow() {
        let mut resumption = Resumption::new(Register::default(), &ack(2, None));
        assert!(!resumption.wants(seq(2)) && resumption.wants(seq(5)));
        resumption.accepted(seq(5));
        assert!(!resumption.wants(seq(5)) && resumption.wants(seq(6)));
        resumption.overflowed();
        assert!(!resumption.wants(seq(6)) && resumption.has_left_some());
        let fetch = resumption.fetch("f-1");
        assert_eq!((fetch.resume, resumption.has_left_some()), (Some(Resume::After(seq(5))), false));
        assert!(!resumption.refused("other") && resumption.refused("f-1") && resumption.has_left_some());
        resumption.fetch("f-2");
        resumption.acked("f-1");
        assert!(!resumption.wants(seq(6)));
        resumption.acked("f-2");
        assert!(resumption.wants(seq(6)));
    }

    #[test]
    fn resumption_falls_back_to_the_stored_cursor_once() {
        let mut resumption = Resumption::new(Register::default(), &ack(9, None));
        let mut register = resumption.returning_register();
        assert!(!resumption.fall_back(&refusal(ErrorCode::NameInUse), &mut register));
        assert!(resumption.fall_back(&refusal(ErrorCode::ResumeBeyond), &mut register));
        assert_eq!(register.resume, Some(Resume::Stored));
        assert!(resumption.wants(seq(1)));
        assert!(!resumption.fall_back(&refusal(ErrorCode::ResumeBeyond), &mut register), "it names no position");
    }

    #[test]
    fn resumption_forgets_its_position_in_another_log() {
        let mut resumption = Resumption::new(Register::default(), &ack(9, None));
        assert!(!resumption.resumed(&ack(9, Some(true))) && !resumption.wants(seq(4)));
        assert!(resumption.resumed(&ack(3, Some(false))) && resumption.wants(seq(4)));
    }
}
