//! The protocol that the hub speaks. Everything that a client does differently for a 0.1.0 hub is decided here.

use orochi_protocol::incoming::AckPayload;
use orochi_protocol::limits::{CONTENT_BYTES_MAX, METADATA_BYTES_MAX};

use crate::error::Error;

/// The hub's protocol: all of it, or only that of scitex-orochi 0.1.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// All of docs/protocol.md.
    Current,
    /// Sections 1 to 8: no log, so no seqs, no cursors and no resume.
    Old,
}

/// The receiver of an error that names no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnnamedError {
    /// It belongs to no request, so the consumer gets it.
    Consumer,
    /// It refuses the oldest unanswered request; if there is none, the consumer gets it.
    OldestRequest,
}

impl Dialect {
    /// Recognises the hub by its answer to a register: only a 0.1.0 hub sends no epoch (section 9, Old hubs).
    pub(crate) fn of(register_ack: &AckPayload) -> Self {
        if register_ack.epoch.is_none() { Dialect::Old } else { Dialect::Current }
    }

    pub(crate) fn is_old(self) -> bool {
        self == Dialect::Old
    }

    /// Returns whether the hub stores messages. From its log a client gets what it missed while it had no connection or
    /// no room. Without one, a lost connection stays lost, nothing is reported as seen, nothing can be missing, and a
    /// client without room stops to read.
    pub(crate) fn has_log(self) -> bool {
        self == Dialect::Current
    }

    /// The receiver of an error without `ref`. A 0.1.0 hub answers in order and often omits it.
    pub(crate) fn unnamed_error(self) -> UnnamedError {
        match self {
            Dialect::Current => UnnamedError::Consumer,
            Dialect::Old => UnnamedError::OldestRequest,
        }
    }

    /// Checks whether the hub can accept a message with these parts. A 0.1.0 hub knows no replies, and limits only the
    /// whole frame.
    pub(crate) fn check_message(self, is_reply: bool, content: &str, metadata: Option<&str>) -> Result<(), Error> {
        match self {
            Dialect::Old if is_reply => Err(Error::OldHub { what: "reply_to" }),
            Dialect::Old => Ok(()),
            Dialect::Current => {
                Error::check_size("content", content.len(), CONTENT_BYTES_MAX)?;
                Error::check_size("metadata", metadata.map_or(0, str::len), METADATA_BYTES_MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialect_is_recognised_by_the_epoch() {
        assert_eq!(Dialect::of(&AckPayload::default()), Dialect::Old);
        let ack = AckPayload { epoch: Some("e".to_owned()), ..AckPayload::default() };
        assert_eq!(Dialect::of(&ack), Dialect::Current);
    }

    #[test]
    fn dialect_of_0_1_0_has_no_replies_and_no_size_of_a_content() {
        let long = "x".repeat(CONTENT_BYTES_MAX + 1);
        assert!(matches!(Dialect::Current.check_message(false, &long, None), Err(Error::Invalid(_))));
        assert!(Dialect::Old.check_message(false, &long, None).is_ok());
        assert!(Dialect::Current.check_message(true, "", None).is_ok());
        assert!(matches!(Dialect::Old.check_message(true, "", None), Err(Error::OldHub { .. })));
    }
}
