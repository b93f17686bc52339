//! The envelope of a frame: its type, id, sender and time (section 1).

use std::borrow::Cow;

use serde::Deserialize;

use crate::codes::{ErrorCode, Refusal};
use crate::fields::{Fields, half_pair, has_half_pair, invalid};
use crate::limits::ID_CHARS_MAX;
use crate::names::shown;

/// A frame's own fields, and its payload.
pub(super) struct Envelope<'a> {
    pub(super) kind: Cow<'a, str>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) sender: Option<Cow<'a, str>>,
    pub(super) payload: Fields<'a>,
}

/// The refusal, and the id for the reply if it could be read.
type EnvelopeError<'a> = (Refusal, Option<Cow<'a, str>>);

pub(super) fn parse_envelope(text: &str) -> Result<Envelope<'_>, EnvelopeError<'_>> {
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

/// The id of a frame whose request is not parsed, for the reply; None if it can't be read.
pub fn read_id(text: &str) -> Option<String> {
    match parse_envelope(text) {
        Ok(envelope) => envelope.id.map(Cow::into_owned),
        Err((_, id)) => id.map(Cow::into_owned),
    }
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
