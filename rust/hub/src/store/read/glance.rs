//! Messages without their texts, for whoever counts them, and the beginnings of texts, for whoever shows a line of
//! each.

use std::ops::ControlFlow;

use orochi_protocol::{Seq, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::Reader;
use crate::store::StoreError;

/// A message, but for what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance<'a> {
    /// Its place.
    pub seq: Seq,
    /// When it was accepted.
    pub ts: Timestamp,
    /// A channel's name or a conversation's key.
    pub channel: &'a str,
    /// Who said it.
    pub sender: &'a str,
    /// A JSON list of names, or None.
    pub mentions: Option<&'a str>,
}

/// The beginning of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// When it was accepted.
    pub ts: Timestamp,
    /// A channel's name or a conversation's key.
    pub channel: String,
    /// Who said it.
    pub sender: String,
    /// So many characters of it as were asked for.
    pub content: String,
}

impl Reader {
    /// Shows `visit` the messages after `after` and up to `upto` in log order, until it breaks off.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn glance(
        &self,
        after: Seq,
        upto: Seq,
        mut visit: impl FnMut(&Glance<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT seq, ts, channel, sender, mentions FROM messages WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
        )?;
        let mut rows = statement.query(params![after.as_i64(), upto.as_i64()])?;
        while let Some(row) = rows.next()? {
            let glance = Glance {
                seq: Seq::from_i64(row.get(0)?),
                ts: Timestamp::from_micros(row.get(1)?),
                channel: row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?,
                sender: row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?,
                mentions: row.get_ref(4)?.as_str_or_null().map_err(rusqlite::Error::from)?,
            };
            if visit(&glance).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// A message's first `chars` characters.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn excerpt(&self, seq: Seq, chars: u32) -> Result<Option<Excerpt>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT ts, channel, sender, substr(content, 1, ?2) FROM messages WHERE seq = ?1")?;
        let found = statement.query_row(params![seq.as_i64(), chars], |row| {
            let ts = Timestamp::from_micros(row.get(0)?);
            Ok(Excerpt { ts, channel: row.get(1)?, sender: row.get(2)?, content: row.get(3)? })
        });
        Ok(found.optional()?)
    }
}
