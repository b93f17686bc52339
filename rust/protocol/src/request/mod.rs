//! Requests from clients, parsed once: the envelope (section 1) and one type for each request (sections 5, 8, 9).

mod history;
mod message;
mod register;
mod status;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use history::{HistoryFilter, HistoryQuery, Order};
pub use message::Draft;
pub use register::{Conflict, EventKind, Register, Resume};
pub use status::StatusUpdate;

use crate::codes::{ErrorCode, Refusal};
use crate::fields::{Fields, half_pair, has_half_pair, invalid, missing};
use crate::limits::{ID_CHARS_MAX, METADATA_BYTES_MAX};
use crate::names::{AgentName, ChannelName, shown};
use crate::reach::Reach;
use crate::seq::Seq;

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

/// The id of a frame whose request is not parsed, for the reply; None if it can't be read.
pub fn read_id(text: &str) -> Option<String> {
    match parse_envelope(text) {
        Ok(envelope) => envelope.id.map(Cow::into_owned),
        Err((_, id)) => id.map(Cow::into_owned),
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

/// Checks a message or request id: 1 to 128 characters.
///
/// # Errors
/// `INVALID_FIELD`.
pub fn check_id(id: &str) -> Result<(), Refusal> {
    match id.chars().count() {
        1..=ID_CHARS_MAX => Ok(()),
        _ => Err(invalid("id", &format!("1 to {ID_CHARS_MAX} characters"), &format!("{id:?}"))),
    }
}

/// The id for the reply. A long id is cut to its beginning, by which the sender can recognise it.
fn answerable(id: &str) -> Option<Cow<'static, str>> {
    let end = id.char_indices().nth(ID_CHARS_MAX).map_or(id.len(), |(at, _)| at);
    (!id.is_empty()).then(|| Cow::Owned(id[..end].to_owned()))
}

struct Envelope<'a> {
    kind: Cow<'a, str>,
    id: Option<Cow<'a, str>>,
    sender: Option<Cow<'a, str>>,
    payload: Fields<'a>,
}

type EnvelopeError<'a> = (Refusal, Option<Cow<'a, str>>);

fn parse_envelope(text: &str) -> Result<Envelope<'_>, EnvelopeError<'_>> {
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| (not_an_object(text, &error), None))?;
    let id = envelope_text(&fields, "id").map_err(|refusal| (refusal, None))?;
    let refuse = |refusal| (refusal, id.as_deref().and_then(answerable));
    if let Some(id) = &id {
        check_id(id).map_err(refuse)?;
    }
    let kind = envelope_text(&fields, "type").map_err(refuse)?;
    let kind = kind.ok_or_else(|| refuse(parse_error("the frame has no \"type\"")))?;
    let sender = envelope_text(&fields, "sender").map_err(refuse)?;
    envelope_text(&fields, "ts").map_err(refuse)?;
    let payload = match fields.raw("payload") {
        None => Fields::default(),
        Some(raw) => serde_json::from_str(raw.get())
            .map_err(|_| refuse(parse_error("\"payload\" is not an object with valid Unicode keys")))?,
    };
    Ok(Envelope { kind, id, sender, payload })
}

fn envelope_text<'a>(fields: &Fields<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Some(raw) = fields.raw(name) else { return Ok(None) };
    let Text(text) = serde_json::from_str(raw.get()).map_err(|_| {
        if has_half_pair(raw.get()) {
            return parse_error(&half_pair(name).detail);
        }
        parse_error(&format!("{name:?} is not a string: {}", shown(raw.get())))
    })?;
    Ok(Some(text))
}

fn not_an_object(text: &str, error: &serde_json::Error) -> Refusal {
    match text.trim_start().as_bytes().first() {
        Some(b'{') if has_half_pair(text) => parse_error(&half_pair("the frame").detail),
        Some(b'{') => parse_error(&format!("the frame is not valid JSON: {error}")),
        _ => parse_error("the frame is not a JSON object"),
    }
}

fn parse_error(detail: &str) -> Refusal {
    Refusal::new(ErrorCode::ParseError, detail)
}
