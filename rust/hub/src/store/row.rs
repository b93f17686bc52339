//! A row of `messages` as a [`StoredMessage`].

use orochi_protocol::{Seq, Timestamp};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use uuid::Uuid;

use super::StoredMessage;

/// The columns that [`read_row`] reads, in its order.
pub(super) const COLUMNS: &str = "seq, msg_id, ts, channel, sender, content, mentions, metadata, reply_to, extra";

/// Reads a row of [`COLUMNS`].
pub(super) fn read_row(row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    let mut message = empty();
    read_into(row, &mut message)?;
    Ok(message)
}

/// A message to read rows into.
pub(super) fn empty() -> StoredMessage {
    StoredMessage {
        seq: Seq::ZERO,
        id: String::new(),
        ts: Timestamp::from_micros(0),
        channel: String::new(),
        sender: String::new(),
        content: String::new(),
        mentions: String::new(),
        metadata: String::new(),
        reply_to: None,
        extra: None,
    }
}

/// Reads a row of [`COLUMNS`] into `message`, whose memory is used again.
pub(super) fn read_into(row: &Row<'_>, message: &mut StoredMessage) -> rusqlite::Result<()> {
    message.seq = Seq::from_i64(row.get(0)?);
    read_id(row.get_ref(1)?, &mut message.id)?;
    message.ts = Timestamp::from_micros(row.get(2)?);
    set(&mut message.channel, row.get_ref(3)?, "")?;
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
