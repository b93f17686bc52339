//! `register`: join under a name (sections 5 and 9).

use std::collections::BTreeMap;

use serde::Serialize;

use super::payload::Payload;
use crate::codes::{ErrorCode, Refusal};
use crate::fields::{Fields, invalid};
use crate::identity::Identity;
use crate::limits::{CHANNELS_MAX, IDENTITY_CHARS_MAX};
use crate::names::ChannelName;
use crate::reach::Reach;
use crate::seq::Seq;

/// The payload of a register. The agent's name is the envelope's `sender`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Register {
    /// The channels to join, each once. None means those stored with the name, which requires a `resume` from the
    /// stored cursor. Otherwise an absent list means `#general`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<ChannelName>>,
    #[serde(flatten)]
    pub identity: Identity,
    /// The start of the delivery (section 9, Resume). None means live messages only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
    /// The epoch of the log to which `resume` belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// For channels that were joined after `resume`: the head in the subscribe's ack. Their earlier messages are not
    /// delivered.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub joined: BTreeMap<ChannelName, Seq>,
    /// The effect on other connections of this name.
    #[serde(skip_serializing_if = "Conflict::is_join")]
    pub conflict: Conflict,
    /// Observers' events that the agent also wants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventKind>,
    /// The reach of this connection. None means `poll`, or in a second register no change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

/// The start of a delivery (section 9, Resume).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Everything addressed to the agent after this seq.
    After(Seq),
    /// Everything after the name's stored cursor.
    Stored,
}

impl Serialize for Resume {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Resume::After(seq) => seq.serialize(serializer),
            Resume::Stored => serializer.serialize_str("stored"),
        }
    }
}

/// The effect of a register on other connections of its name (section 9, Sessions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conflict {
    /// All of them get the messages for the name.
    #[default]
    Join,
    /// The others are closed with 4009.
    Replace,
    /// The register is refused with `NAME_IN_USE`.
    Refuse,
}

impl Conflict {
    fn is_join(&self) -> bool {
        *self == Conflict::Join
    }
}

/// An observer's event that an agent can request (section 9, Events for agents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An agent came online or went offline.
    PresenceChange,
    /// An agent reported its status.
    StatusUpdate,
}

impl Default for Register {
    fn default() -> Self {
        Self {
            channels: Some(vec![ChannelName::general()]),
            identity: Identity::default(),
            resume: None,
            epoch: None,
            joined: BTreeMap::new(),
            conflict: Conflict::Join,
            events: Vec::new(),
            reach: None,
        }
    }
}

impl Register {
    /// The channels that the register names.
    pub fn channels(&self) -> &[ChannelName] {
        self.channels.as_deref().unwrap_or_default()
    }
}

impl Payload for Register {
    const TYPE: &'static str = "register";
    const NEEDS_REGISTER: bool = false;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let resume = parse_resume(fields)?;
        let channels = match parse_channels(fields)? {
            None if resume == Some(Resume::Stored) => None,
            None => Some(vec![ChannelName::general()]),
            named => named,
        };
        Ok(Self {
            channels,
            identity: Identity::from_fields(fields)?.or_empty(),
            resume,
            epoch: fields.short_text("epoch", IDENTITY_CHARS_MAX)?,
            joined: parse_joined(fields)?,
            conflict: parse_conflict(fields)?,
            events: parse_events(fields)?,
            reach: Reach::from_fields(fields)?,
        })
    }
}

fn parse_channels(fields: &Fields<'_>) -> Result<Option<Vec<ChannelName>>, Refusal> {
    let Some(texts) = fields.texts("channels")? else { return Ok(None) };
    if texts.len() > CHANNELS_MAX {
        return Err(Refusal::new(
            ErrorCode::TooLarge,
            format!("channels has {} entries: at most {CHANNELS_MAX}", texts.len()),
        ));
    }
    let mut channels = Vec::with_capacity(texts.len());
    for text in &texts {
        let channel = ChannelName::parse(text)?;
        if !channels.contains(&channel) {
            channels.push(channel);
        }
    }
    Ok(Some(channels))
}

fn parse_resume(fields: &Fields<'_>) -> Result<Option<Resume>, Refusal> {
    match fields.raw("resume").map(|raw| raw.get()) {
        None => Ok(None),
        Some("\"stored\"") => Ok(Some(Resume::Stored)),
        Some(json) => match serde_json::from_str(json) {
            Ok(seq) => Ok(Some(Resume::After(seq))),
            Err(_) => Err(invalid("resume", "a seq (an integer from 0), \"stored\" or null", json)),
        },
    }
}

fn parse_joined(fields: &Fields<'_>) -> Result<BTreeMap<ChannelName, Seq>, Refusal> {
    let Some(raw) = fields.raw("joined") else { return Ok(BTreeMap::new()) };
    let wrong = |_| invalid("joined", "an object of channels, each with a seq (an integer from 0)", raw.get());
    let texts: BTreeMap<String, Seq> = serde_json::from_str(raw.get()).map_err(wrong)?;
    if texts.len() > CHANNELS_MAX {
        let detail = format!("joined has {} entries: at most {CHANNELS_MAX}", texts.len());
        return Err(Refusal::new(ErrorCode::TooLarge, detail));
    }
    texts.into_iter().map(|(text, seq)| Ok((ChannelName::parse(&text)?, seq))).collect()
}

fn parse_conflict(fields: &Fields<'_>) -> Result<Conflict, Refusal> {
    match fields.text("conflict")?.as_deref() {
        None | Some("join") => Ok(Conflict::Join),
        Some("replace") => Ok(Conflict::Replace),
        Some("refuse") => Ok(Conflict::Refuse),
        Some(other) => Err(invalid("conflict", "\"join\", \"replace\" or \"refuse\"", &format!("{other:?}"))),
    }
}

fn parse_events(fields: &Fields<'_>) -> Result<Vec<EventKind>, Refusal> {
    let mut events = Vec::new();
    for text in fields.texts("events")?.unwrap_or_default() {
        let event = match text.as_str() {
            "presence_change" => EventKind::PresenceChange,
            "status_update" => EventKind::StatusUpdate,
            other => {
                let expected = "a list of \"presence_change\" and \"status_update\"";
                return Err(invalid("events", expected, &format!("{other:?}")));
            }
        };
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Ok(events)
}
