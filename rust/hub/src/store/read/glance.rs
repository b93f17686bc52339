//! Reads messages without their texts, for counting, and the beginnings of texts, for lists with one line for each
//! message.

use std::ops::ControlFlow;

use orochi_protocol::{Seq, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::Reader;
use crate::store::{Place, StoreError};

/// A message without its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance<'a> {
    pub seq: Seq,
    /// The time of acceptance.
    pub ts: Timestamp,
    pub place: &'a Place,
    pub sender: &'a str,
    /// A JSON list of names, or None.
    pub mentions: Option<&'a str>,
}

/// The beginning of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The time of acceptance.
    pub ts: Timestamp,
    pub place: Place,
    pub sender: String,
    /// The first characters of the text.
    pub content: String,
}

impl Reader {
    /// Calls `visit` for the messages after `after` and up to `upto`, in log order, until `visit` breaks.
    ///
    /// # Errors
    /// Fails if the disk refuses.
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
            let place = self.places.get(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?);
            let glance = Glance {
                seq: Seq::from_i64(row.get(0)?),
                ts: Timestamp::from_micros(row.get(1)?),
                place: &place,
                sender: row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?,
                mentions: row.get_ref(4)?.as_str_or_null().map_err(rusqlite::Error::from)?,
            };
            if visit(&glance).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads a message's first `chars` characters.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn excerpt(&self, seq: Seq, chars: u32) -> Result<Option<Excerpt>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT ts, channel, sender, substr(content, 1, ?2) FROM messages WHERE seq = ?1")?;
        let found = statement.query_row(params![seq.as_i64(), chars], |row| {
            let (ts, place) = (Timestamp::from_micros(row.get(0)?), self.places.get(row.get_ref(1)?.as_str()?));
            Ok(Excerpt { ts, place, sender: row.get(2)?, content: row.get(3)? })
        });
        Ok(found.optional()?)
    }
}
