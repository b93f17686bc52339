//! `unsubscribe`: leaves a channel (section 5).

use super::payload::Payload;
use crate::codes::Refusal;
use crate::fields::Fields;
use crate::names::ChannelName;

/// The channel to leave.
#[derive(Debug, Clone)]
pub struct Unsubscribe {
    pub channel: ChannelName,
}

impl Payload for Unsubscribe {
    const TYPE: &'static str = "unsubscribe";
    const NEEDS_REGISTER: bool = true;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self { channel: ChannelName::parse(&fields.required_text("channel")?)? })
    }
}
