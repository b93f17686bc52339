//! `heartbeat`: a sign of life, with the agent's progress (section 9, Seen).

use serde::Serialize;

use super::payload::Payload;
use crate::codes::Refusal;
use crate::fields::Fields;
use crate::reach::Reach;
use crate::seq::Seq;

/// Changes of the agent behind the connection. Only `seen` is stored on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// The agent has handled everything sent to it up to this seq.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seq>,
    /// The agent was shown everything sent to it up to this seq.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered: Option<Seq>,
    /// The reach of messages from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

impl Payload for Heartbeat {
    const TYPE: &'static str = "heartbeat";
    /// An empty heartbeat needs none; the hub checks the others.
    const NEEDS_REGISTER: bool = false;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self { seen: fields.seq("seen")?, offered: fields.seq("offered")?, reach: Reach::from_fields(fields)? })
    }
}
