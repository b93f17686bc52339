//! A hub's answer to one request.

use orochi_protocol::incoming::AckPayload;
use serde_json::value::RawValue;

/// A hub's answer: its ack, and the payload of the data frame before it, if the request has one.
#[derive(Debug)]
pub struct Answer {
    pub ack: AckPayload,
    /// The payload of `presence`, of the `message` with `history`, of `gitea_result` or `receipts`.
    pub data: Option<Box<RawValue>>,
}
