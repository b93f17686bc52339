//! `gitea`: calls Gitea (section 8).

use serde_json::value::RawValue;

use super::payload::Payload;
use crate::codes::Refusal;
use crate::fields::Fields;
use crate::limits::METADATA_BYTES_MAX;

/// The action and its parameters, which the hub's Gitea part parses.
#[derive(Debug, Clone)]
pub struct GiteaCall {
    pub action: String,
    /// The params, a JSON object.
    pub params: Box<RawValue>,
}

impl Payload for GiteaCall {
    const TYPE: &'static str = "gitea";
    const NEEDS_REGISTER: bool = true;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let action = fields.required_text("action")?;
        let params = fields.relayed_object("params", METADATA_BYTES_MAX * 8)?;
        Ok(Self { action, params: params.map_or_else(empty_object, ToOwned::to_owned) })
    }
}

/// `{}`.
fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("{} is JSON")
}
