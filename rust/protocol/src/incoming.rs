//! How a client reads what a hub sent, ours or 0.1.0 (sections 3, 5, 9 and 10): unknown keys are ignored,
//! and everything that 0.1.0 leaves out is optional.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::reach::Reach;
use crate::reply::DeliveryState;
use crate::seq::Seq;

/// One frame from a hub; `payload` is read when its type is known.
#[derive(Debug, Deserialize)]
pub struct ServerFrame<'a> {
    /// `ack`, `error`, `message`, …
    #[serde(borrow)]
    pub r#type: Cow<'a, str>,
    /// Who it is from.
    #[serde(borrow, default)]
    pub sender: Cow<'a, str>,
    /// The frame's id.
    #[serde(borrow, default)]
    pub id: Cow<'a, str>,
    /// The hub's clock.
    #[serde(borrow, default)]
    pub ts: Cow<'a, str>,
    /// The message's place in the log; absent from 0.1.0 and from answers.
    #[serde(default)]
    pub seq: Option<Seq>,
    /// The rest.
    #[serde(borrow, default)]
    pub payload: Option<&'a RawValue>,
}

/// The parts of a delivered message's payload that the client reads first.
#[derive(Debug, Deserialize)]
pub struct Said<'a> {
    /// Where it was said.
    #[serde(borrow)]
    pub channel: Cow<'a, str>,
    /// What was said.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
}

/// The request that a data frame answers.
#[derive(Debug, Default, Deserialize)]
pub struct AnswerTo<'a> {
    /// The request's id; absent from 0.1.0, but for `gitea_result`.
    #[serde(borrow, default)]
    pub r#ref: Option<Cow<'a, str>>,
}

/// What an `ack` can hold; which fields do depends on the request.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AckPayload {
    /// The request's id.
    #[serde(default)]
    pub r#ref: String,
    /// A message's place in the log, or the log's head for a register.
    #[serde(default)]
    pub seq: Option<Seq>,
    /// The hub's clock at acceptance.
    #[serde(default)]
    pub ts: Option<String>,
    /// Where each addressed agent is.
    #[serde(default)]
    pub delivery: BTreeMap<String, DeliveryState>,
    /// How it reaches those of them that are online.
    #[serde(default)]
    pub reach: BTreeMap<String, Reach>,
    /// Whether the message was in the log already.
    #[serde(default)]
    pub duplicate: bool,
    /// The database's UUID; absent from a 0.1.0 hub.
    #[serde(default)]
    pub epoch: Option<String>,
    /// The name's stored cursor.
    #[serde(default)]
    pub cursor: Option<Seq>,
    /// Seconds between heartbeats.
    #[serde(default)]
    pub heartbeat: Option<u32>,
    /// Whether the asked position was used.
    #[serde(default)]
    pub resumed: Option<bool>,
    /// The channels that were kept with the name, where the register named none.
    #[serde(default)]
    pub channels: Option<Vec<String>>,
}

/// What an `error` holds. The code is text: a newer hub may have more of them.
#[derive(Debug, Clone, Deserialize)]
pub struct ErrorPayload {
    /// What kind of refusal.
    #[serde(default)]
    pub code: String,
    /// What failed and the way out.
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
