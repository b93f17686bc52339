//! Requests from clients, parsed once: the envelope (section 1) and one type for each request (sections 5, 8, 9).

mod envelope;
mod message;
mod query;
mod register;
mod status;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

pub use envelope::{check_id, read_id};
pub use message::Draft;
pub use query::{HistoryFilter, HistoryQuery, Order};
pub use register::{Conflict, EventKind, Register, Resume};
pub use status::StatusUpdate;

use crate::codes::{ErrorCode, Refusal};
use crate::fields::{Fields, missing};
use crate::limits::METADATA_BYTES_MAX;
use crate::names::{AgentName, ChannelName, shown};
use crate::reach::Reach;
use crate::seq::Seq;
use envelope::{Envelope, parse_envelope};

/// One frame from a client.
#[derive(Debug)]
pub struct RequestFrame {
    /// The request's id; None if the hub has to create one.
    pub id: Option<String>,
    /// The sender that the client claims to be. The hub compares it with the registered name.
    pub sender: Option<String>,
    pub request: Request,
}

/// A sign of life with changes of the agent behind the connection. Only `seen` is stored on disk.
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

/// All requests of clients.
#[derive(Debug)]
pub enum Request {
    /// Join under a name (sections 5 and 9).
    Register(Box<Register>),
    /// Send a message (section 5).
    Message(Box<Draft>),
    /// Join a channel.
    Subscribe(ChannelName),
    /// Leave a channel.
    Unsubscribe(ChannelName),
    /// List the online agents.
    Presence {
        /// The answer has a row for each agent (section 9, Presence in full).
        detail: bool,
        /// Only agents whose names come after this one.
        after: Option<AgentName>,
    },
    /// Read the message history (sections 5 and 9).
    Query(Box<HistoryQuery>),
    /// Send a sign of life and the agent's progress (section 9, Seen).
    Heartbeat(Heartbeat),
    /// Set the agent's status (section 9, Status).
    StatusUpdate(Box<StatusUpdate>),
    /// Call Gitea (section 8).
    Gitea {
        action: String,
        /// The params, a JSON object.
        params: Box<RawValue>,
    },
    /// Read how far a message got (section 9, Receipts).
    Receipts {
        seq: Seq,
        /// Only agents whose names come after this one.
        after: Option<AgentName>,
    },
}

impl Request {
    /// Returns whether the request needs a register on its connection first (section 10, Before register).
    pub fn needs_register(&self) -> bool {
        match self {
            Request::Message(_)
            | Request::Subscribe(_)
            | Request::Unsubscribe(_)
            | Request::StatusUpdate(_)
            | Request::Gitea { .. } => true,
            Request::Register(_)
            | Request::Presence { .. }
            | Request::Query(_)
            | Request::Heartbeat(_)
            | Request::Receipts { .. } => false,
        }
    }
}

/// A refused frame, with its id for the reply if it could be read.
#[derive(Debug)]
pub struct BadFrame {
    pub refusal: Refusal,
    pub id: Option<String>,
    /// The frame's sender, which is checked before the payload.
    pub sender: Option<String>,
    /// The type is known and needs a register first.
    pub needs_register: bool,
}

/// Parses one frame (section 1).
///
/// # Errors
/// The refusal, and the id for the reply.
pub fn parse(text: &str) -> Result<RequestFrame, Box<BadFrame>> {
    let envelope = parse_envelope(text).map_err(|(refusal, id)| {
        Box::new(BadFrame { refusal, id: id.map(Cow::into_owned), sender: None, needs_register: false })
    })?;
    let Envelope { kind, id, sender, payload } = envelope;
    let (id, sender) = (id.map(Cow::into_owned), sender.map(Cow::into_owned));
    match parse_payload(&kind, &payload) {
        Ok(request) => Ok(RequestFrame { id, sender, request }),
        Err(refusal) => Err(Box::new(BadFrame { refusal, id, sender, needs_register: kind_needs_register(&kind) })),
    }
}

/// Parses one request from its type and payload.
fn parse_payload(kind: &str, payload: &Fields<'_>) -> Result<Request, Refusal> {
    Ok(match kind {
        "register" => Request::Register(Box::new(Register::from_fields(payload)?)),
        "message" => Request::Message(Box::new(Draft::from_fields(payload)?)),
        "subscribe" => Request::Subscribe(channel(payload)?),
        "unsubscribe" => Request::Unsubscribe(channel(payload)?),
        "presence" => {
            Request::Presence { detail: payload.boolean("detail")?.unwrap_or(false), after: after_agent(payload)? }
        }
        "query" => Request::Query(Box::new(HistoryQuery::from_fields(payload)?)),
        "heartbeat" => Request::Heartbeat(Heartbeat {
            seen: payload.seq("seen")?,
            offered: payload.seq("offered")?,
            reach: Reach::from_fields(payload)?,
        }),
        "status_update" => Request::StatusUpdate(Box::new(StatusUpdate::from_fields(payload)?)),
        "gitea" => parse_gitea(payload)?,
        "receipts" => {
            let seq = payload.seq("seq")?.ok_or_else(|| missing("seq", "the seq of a message"))?;
            Request::Receipts { seq, after: after_agent(payload)? }
        }
        other => {
            return Err(Refusal::new(
                ErrorCode::UnknownType,
                format!("{} is not a request type: see the protocol's table of types", shown(other)),
            ));
        }
    })
}

fn kind_needs_register(kind: &str) -> bool {
    matches!(kind, "message" | "subscribe" | "unsubscribe" | "status_update" | "gitea")
}

fn after_agent(payload: &Fields<'_>) -> Result<Option<AgentName>, Refusal> {
    payload.text("after")?.map(|name| AgentName::parse(&name)).transpose()
}

fn channel(payload: &Fields<'_>) -> Result<ChannelName, Refusal> {
    ChannelName::parse(&payload.required_text("channel")?)
}

fn parse_gitea(payload: &Fields<'_>) -> Result<Request, Refusal> {
    let action = payload.required_text("action")?;
    let params = payload.relayed_object("params", METADATA_BYTES_MAX * 8)?;
    let params = params.map_or_else(empty_object, ToOwned::to_owned);
    Ok(Request::Gitea { action, params })
}

/// `{}`.
pub fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("{} is JSON")
}
