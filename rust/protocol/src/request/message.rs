//! `message`: a message to send (sections 5, 9 and 10).

use serde_json::value::RawValue;

use super::payload::Payload;
use crate::codes::{ErrorCode, Refusal};
use crate::fields::{Fields, check_relayed, over_size};
use crate::limits::{CONTENT_BYTES_MAX, MENTIONS_MAX, METADATA_BYTES_MAX};
use crate::mentions::{self, Mention};
use crate::names::Target;
use crate::seq::Seq;

/// The payload's keys with a meaning. All others are relayed unchanged (section 10).
pub const KNOWN_KEYS: [&str; 5] = ["channel", "content", "metadata", "mentions", "reply_to"];

/// Keys of the hub's replies. A message must not have them, or clients would take it for a reply (section 5).
pub const REPLY_KEYS: [&str; 4] = ["history", "ref", "seq", "code"];

/// A message that the hub has not yet accepted.
#[derive(Debug, Clone)]
pub struct Draft {
    pub target: Target,
    /// The text, at most [`CONTENT_BYTES_MAX`] bytes.
    pub content: String,
    /// The mentions in the content; [`mentions::resolve`] chooses among their candidates.
    pub mentions: Vec<Mention>,
    /// The sender's object, unchanged; None if absent.
    pub metadata: Option<Box<RawValue>>,
    /// The seq of the message that this one answers.
    pub reply_to: Option<Seq>,
    /// The payload's other keys as one JSON object, unchanged; None if there are none.
    pub extra: Option<Box<RawValue>>,
}

impl Draft {
    /// Builds a message of plain text.
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
        let mentions = mentions::find(&content, MENTIONS_MAX + 1);
        if mentions.len() > MENTIONS_MAX {
            let detail =
                format!("content has more than {MENTIONS_MAX} mentions: split it, or quote names in a code block");
            return Err(Refusal::new(ErrorCode::TooLarge, detail));
        }
        Ok(Self { target, content, mentions, metadata: None, reply_to: None, extra: None })
    }

    /// Parses a `message` payload, or the body of `POST /api/messages`, whose additional keys are in `also_known`.
    ///
    /// # Errors
    /// `MISSING_FIELD`, `INVALID_FIELD`, `INVALID_CHANNEL`, `INVALID_NAME`, `TOO_LARGE`.
    pub fn from_body(fields: &Fields<'_>, also_known: &[&str]) -> Result<Self, Refusal> {
        if let Some(key) = REPLY_KEYS.iter().find(|key| fields.has(key)) {
            let detail =
                format!("{key} is a key of the hub's replies and not allowed in a message: put it into metadata");
            return Err(Refusal::new(ErrorCode::InvalidField, detail));
        }
        let target = Target::parse(&fields.required_text("channel")?)?;
        let mut draft = Self::new(target, fields.required_text("content")?)?;
        draft.metadata = fields.relayed_object("metadata", METADATA_BYTES_MAX)?.map(ToOwned::to_owned);
        draft.reply_to = fields.seq("reply_to")?;
        draft.extra = parse_extra(fields, |key| KNOWN_KEYS.contains(&key) || also_known.contains(&key))?;
        Ok(draft)
    }
}

impl Payload for Draft {
    const TYPE: &'static str = "message";
    const NEEDS_REGISTER: bool = true;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Self::from_body(fields, &[])
    }
}

fn parse_extra(fields: &Fields<'_>, is_known: impl Fn(&str) -> bool) -> Result<Option<Box<RawValue>>, Refusal> {
    const NAME: &str = "the payload's other keys";
    let others = fields.others(is_known);
    if others.is_empty() {
        return Ok(None);
    }
    // Counts the key's quotes, colon and comma. Escapes in keys are counted below.
    let bytes: usize = others.iter().map(|(key, raw)| key.len() + raw.get().len() + 4).sum();
    if bytes > METADATA_BYTES_MAX {
        return Err(over_size(NAME, METADATA_BYTES_MAX));
    }
    let mut json = String::with_capacity(bytes + 2);
    for (key, raw) in others {
        json.push(if json.is_empty() { '{' } else { ',' });
        json.push_str(&serde_json::Value::from(key).to_string());
        json.push(':');
        json.push_str(raw.get());
    }
    json.push('}');
    let raw = RawValue::from_string(json).expect("keys and values are JSON already");
    check_relayed(NAME, &raw, METADATA_BYTES_MAX)?;
    Ok(Some(raw))
}
