//! A row of `messages` as a [`Message`].

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use orochi_protocol::{Seq, Timestamp};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use uuid::Uuid;

use super::{Message, Place};

/// The columns that [`read_row`] reads, in its order.
pub(super) const COLUMNS: &str = "seq, msg_id, ts, channel, sender, content, mentions, metadata, reply_to, extra";

/// Places that a reader remembers. Beyond it all are forgotten.
const PLACES_MAX: usize = 1024;
/// The longest text that is remembered: room for two names. Only 0.1.0 wrote longer ones.
const PLACE_BYTES_MAX: usize = 600;

/// The places of the rows that were read last. Most rows are in one of a few places, so most texts are parsed once.
#[derive(Debug, Default)]
pub(super) struct Places(RefCell<HashSet<Place>>);

impl Places {
    /// The place of a row.
    pub(super) fn get(&self, text: &str) -> Place {
        let mut known = self.0.borrow_mut();
        if let Some(place) = known.get(text) {
            return place.clone();
        }
        let place = Place::parse(text);
        if text.len() <= PLACE_BYTES_MAX {
            if known.len() >= PLACES_MAX {
                known.clear();
            }
            known.insert(place.clone());
        }
        place
    }
}

/// Reads a row of [`COLUMNS`].
pub(super) fn read_row(row: &Row<'_>, places: &Places) -> rusqlite::Result<Message> {
    let mut message = empty();
    read_into(row, places, &mut message)?;
    Ok(message)
}

/// A message to read rows into.
pub(super) fn empty() -> Message {
    Message {
        seq: Seq::ZERO,
        id: String::new(),
        ts: Timestamp::from_micros(0),
        place: Place::Other(Arc::default()),
        sender: String::new(),
        content: String::new(),
        mentions: String::new(),
        metadata: String::new(),
        reply_to: None,
        extra: None,
    }
}

/// Reads a row of [`COLUMNS`] into `message`, whose memory is used again.
pub(super) fn read_into(row: &Row<'_>, places: &Places, message: &mut Message) -> rusqlite::Result<()> {
    message.seq = Seq::from_i64(row.get(0)?);
    read_id(row.get_ref(1)?, &mut message.id)?;
    message.ts = Timestamp::from_micros(row.get(2)?);
    let place = row.get_ref(3)?.as_str_or_null()?.unwrap_or_default();
    if message.place.as_str() != place {
        message.place = places.get(place);
    }
    set(&mut message.sender, row.get_ref(4)?, "")?;
    set(&mut message.content, row.get_ref(5)?, "")?;
    set(&mut message.mentions, row.get_ref(6)?, "[]")?;
    set(&mut message.metadata, row.get_ref(7)?, "{}")?;
    message.reply_to = row.get::<_, Option<i64>>(8)?.map(Seq::from_i64);
    message.extra = row.get(9)?;
    Ok(())
}

fn set(field: &mut String, value: ValueRef<'_>, absent: &str) -> rusqlite::Result<()> {
    field.clear();
    field.push_str(value.as_str_or_null()?.unwrap_or(absent));
    Ok(())
}

fn read_id(value: ValueRef<'_>, id: &mut String) -> rusqlite::Result<()> {
    id.clear();
    match value {
        ValueRef::Blob(bytes) if bytes.len() == 16 => {
            let uuid = Uuid::from_slice(bytes).unwrap_or_default();
            id.push_str(uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        }
        other => id.push_str(other.as_str()?),
    }
    Ok(())
}
