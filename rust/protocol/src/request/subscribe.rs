//! `subscribe`: joins a channel (section 5).

use super::payload::Payload;
use crate::codes::Refusal;
use crate::fields::Fields;
use crate::names::ChannelName;

/// The channel to join.
#[derive(Debug, Clone)]
pub struct Subscribe {
    pub channel: ChannelName,
}

impl Payload for Subscribe {
    const TYPE: &'static str = "subscribe";
    const NEEDS_REGISTER: bool = true;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self { channel: ChannelName::parse(&fields.required_text("channel")?)? })
    }
}
