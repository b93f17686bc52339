//! `message`: something to say (sections 5, 9 and 10).

use serde_json::value::RawValue;

use crate::codes::{ErrorCode, Refusal};
use crate::fields::{Fields, check_relayed};
use crate::limits::{CONTENT_BYTES_MAX, METADATA_BYTES_MAX};
use crate::mentions;
use crate::names::{AgentName, Target};
use crate::seq::Seq;

/// The payload's keys that have a meaning; all others are relayed as they are (section 10).
pub const KNOWN_KEYS: [&str; 5] = ["channel", "content", "metadata", "mentions", "reply_to"];

/// A message that the hub has not accepted yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it goes.
    pub target: Target,
    /// What it says, at most [`CONTENT_BYTES_MAX`] bytes.
    pub content: String,
    /// The agents that the content mentions.
    pub mentions: Vec<AgentName>,
    /// The sender's own object, as it was written; None where it is absent.
    pub metadata: Option<Box<RawValue>>,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// The payload's other keys as one JSON object, as they were written; None where there are none.
    pub extra: Option<Box<RawValue>>,
}

impl Draft {
    /// A message of plain text.
    ///
    /// # Errors
    /// `TOO_LARGE`.
    pub fn new(target: Target, content: String) -> Result<Self, Refusal> {
        if content.len() > CONTENT_BYTES_MAX {
            return Err(Refusal::new(
                ErrorCode::TooLarge,
                format!("content has {} bytes: at most {} KiB", content.len(), CONTENT_BYTES_MAX / 1024),
            ));
        }
        let mentions = mentions::extract(&content);
        Ok(Self { target, content, mentions, metadata: None, reply_to: None, extra: None })
    }

    /// Reads a `message` payload, or the body of `POST /api/messages`, whose further keys are in `also_known`.
    ///
    /// # Errors
    /// `MISSING_FIELD`, `INVALID_FIELD`, `INVALID_CHANNEL`, `INVALID_NAME`, `TOO_LARGE`.
    pub fn from_body(fields: &Fields<'_>, also_known: &[&str]) -> Result<Self, Refusal> {
        let target = Target::parse(&fields.required_text("channel")?)?;
        let mut draft = Self::new(target, fields.required_text("content")?)?;
        draft.metadata = fields.relayed_object("metadata", METADATA_BYTES_MAX)?.map(ToOwned::to_owned);
        draft.reply_to = fields.seq("reply_to")?;
        let known: Vec<&str> = KNOWN_KEYS.iter().chain(also_known).copied().collect();
        draft.extra = parse_extra(fields, &known)?;
        Ok(draft)
    }

    pub(super) fn from_fields(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Self::from_body(fields, &[])
    }
}

fn parse_extra(fields: &Fields<'_>, known: &[&str]) -> Result<Option<Box<RawValue>>, Refusal> {
    let mut json = String::new();
    for (key, raw) in fields.others(known) {
        json.push(if json.is_empty() { '{' } else { ',' });
        json.push_str(&serde_json::Value::from(key).to_string());
        json.push(':');
        json.push_str(raw.get());
    }
    if json.is_empty() {
        return Ok(None);
    }
    json.push('}');
    let raw = RawValue::from_string(json).expect("keys and values are JSON already");
    check_relayed("the payload's other keys", &raw, METADATA_BYTES_MAX)?;
    Ok(Some(raw))
}
