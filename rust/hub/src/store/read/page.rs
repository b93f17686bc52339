//! A page of the log over all channels or of one, oldest first: what the dashboard's feed moves over.

use orochi_protocol::{Seq, Timestamp};
use rusqlite::{OptionalExtension, params, params_from_iter};

use super::history::Conditions;
use super::{COLUMNS, Reader};
use crate::store::{StoreError, StoredMessage};

/// Which messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Only this channel's.
    pub channel: Option<String>,
    /// Those before this place.
    pub before: Option<Seq>,
    /// Those after this place.
    pub after: Option<Seq>,
    /// Those from this time on.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: u32,
}

impl Reader {
    /// The first ones after `after` and from `since` on; where neither is given, the newest ones. Oldest first.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn page(&self, page: &Page) -> Result<Vec<StoredMessage>, StoreError> {
        let mut conditions = Conditions::default();
        if let Some(channel) = &page.channel {
            conditions.and("channel = ?", channel.clone());
        }
        self.bound(&mut conditions, page.since, None)?;
        if let Some(before) = page.before {
            conditions.and("seq < ?", before.as_i64());
        }
        if let Some(after) = page.after {
            conditions.and("seq > ?", after.as_i64());
        }
        let is_forward = page.after.is_some() || page.since.is_some();
        let order = if is_forward { "ASC" } else { "DESC" };
        let clause = conditions.sql().to_owned();
        let (limit, values) = conditions.values_with(page.limit);
        let sql = format!("SELECT {COLUMNS} FROM messages{clause} ORDER BY seq {order} LIMIT {limit}");
        let mut rows = self.rows(&sql, params_from_iter(values))?;
        if !is_forward {
            rows.reverse();
        }
        Ok(rows)
    }

    /// The newest `limit` messages of the whole log, oldest first.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn recent(&self, limit: u32) -> Result<Vec<StoredMessage>, StoreError> {
        self.page(&Page { limit, ..Page::default() })
    }

    /// The newest messages said by an agent, among those after `after`, or to it, however old. Oldest first.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn by_or_to(&self, agent: &str, after: Seq, limit: u32) -> Result<Vec<StoredMessage>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE seq IN (
                 SELECT seq FROM (SELECT seq FROM addressed WHERE agent = ?1 ORDER BY seq DESC LIMIT ?3)
                 UNION
                 SELECT seq FROM (SELECT seq FROM messages WHERE sender = ?1 AND seq > ?2 ORDER BY seq DESC LIMIT ?3))
             ORDER BY seq DESC LIMIT ?3"
        );
        let mut rows = self.rows(&sql, params![agent, after.as_i64(), limit])?;
        rows.reverse();
        Ok(rows)
    }

    /// The place of a channel's newest message.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn newest_in(&self, channel: &str) -> Result<Option<Seq>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT seq FROM messages WHERE channel = ?1 ORDER BY seq DESC LIMIT 1")?;
        Ok(statement.query_row([channel], |row| row.get(0).map(Seq::from_i64)).optional()?)
    }
}
