//! `presence`: lists the online agents (sections 5 and 9, Presence in full).

use super::payload::Payload;
use crate::codes::Refusal;
use crate::fields::Fields;
use crate::names::AgentName;

/// The form of the list, and its page.
#[derive(Debug, Clone)]
pub struct Presence {
    /// The answer has a row for each agent.
    pub detail: bool,
    /// Only agents whose names come after this one.
    pub after: Option<AgentName>,
}

impl Payload for Presence {
    const TYPE: &'static str = "presence";
    const NEEDS_REGISTER: bool = false;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self { detail: fields.boolean("detail")?.unwrap_or(false), after: fields.agent("after")? })
    }
}
