//! Frames as a client reads them, from our hub or from 0.1.0's (sections 3, 5, 9 and 10). Unknown keys are ignored, and
//! everything that 0.1.0 omits is optional.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codes::ReceivedCode;
use crate::reach::Reach;
use crate::reply::DeliveryState;
use crate::seq::Seq;

/// One frame from a hub. The payload is parsed once its type is known.
#[derive(Debug, Deserialize)]
pub struct ServerFrame<'a> {
    /// `ack`, `error`, `message`, …
    #[serde(borrow)]
    pub r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    pub sender: Cow<'a, str>,
    #[serde(borrow, default)]
    pub id: Cow<'a, str>,
    /// The hub's clock.
    #[serde(borrow, default)]
    pub ts: Cow<'a, str>,
    /// The message's seq; absent from 0.1.0 and from answers.
    #[serde(default)]
    pub seq: Option<Seq>,
    /// The type's own fields.
    #[serde(borrow, default)]
    pub payload: Option<&'a RawValue>,
}

/// The keys of a delivered message's payload that the client needs first.
#[derive(Debug, Deserialize)]
pub struct Said<'a> {
    #[serde(borrow)]
    pub channel: Cow<'a, str>,
    #[serde(borrow)]
    pub content: Cow<'a, str>,
}

/// The request that a data frame answers.
#[derive(Debug, Default, Deserialize)]
pub struct AnswerTo<'a> {
    /// The request's id. 0.1.0 sends it only in `gitea_result`.
    #[serde(borrow, default)]
    pub r#ref: Option<Cow<'a, str>>,
}

/// The fields of an `ack`. The request determines which are present.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AckPayload {
    /// The request's id.
    #[serde(default)]
    pub r#ref: String,
    /// The message's seq, or the log's head for a register.
    #[serde(default)]
    pub seq: Option<Seq>,
    /// The time of acceptance.
    #[serde(default)]
    pub ts: Option<String>,
    /// The presence of each addressed agent.
    #[serde(default)]
    pub delivery: BTreeMap<String, DeliveryState>,
    /// The reach of those that are online.
    #[serde(default)]
    pub reach: BTreeMap<String, Reach>,
    /// The message was already in the log.
    #[serde(default)]
    pub duplicate: bool,
    /// The log's epoch; absent from a 0.1.0 hub.
    #[serde(default)]
    pub epoch: Option<String>,
    /// The name's stored cursor.
    #[serde(default)]
    pub cursor: Option<Seq>,
    /// Seconds between heartbeats.
    #[serde(default)]
    pub heartbeat: Option<u32>,
    /// The requested position was used.
    #[serde(default)]
    pub resumed: Option<bool>,
    /// The channels stored with the name, if the register named none.
    #[serde(default)]
    pub channels: Option<Vec<String>>,
}

/// The payload of an `error`.
#[derive(Debug, Clone, Deserialize)]
pub struct ErrorPayload {
    #[serde(default)]
    pub code: ReceivedCode,
    /// The cause and the remedy.
    #[serde(default)]
    pub detail: String,
    /// The request's id; often absent from 0.1.0.
    #[serde(default)]
    pub r#ref: Option<String>,
    /// Seconds to wait before trying again.
    #[serde(default)]
    pub retry_after: Option<f64>,
    /// Gitea's HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
}
