//! `receipts`: reads how far a message got (section 9, Receipts).

use super::payload::Payload;
use crate::codes::Refusal;
use crate::fields::{Fields, missing};
use crate::names::AgentName;
use crate::seq::Seq;

/// The message, and the page of its receipts.
#[derive(Debug, Clone)]
pub struct Receipts {
    pub seq: Seq,
    /// Only agents whose names come after this one.
    pub after: Option<AgentName>,
}

impl Payload for Receipts {
    const TYPE: &'static str = "receipts";
    const NEEDS_REGISTER: bool = false;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let seq = fields.seq("seq")?.ok_or_else(|| missing("seq", "the seq of a message"))?;
        Ok(Self { seq, after: fields.agent("after")? })
    }
}
