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

impl Page {
    /// Whether it is read towards the end of the log.
    pub fn is_forward(&self) -> bool {
        self.after.is_some() || self.since.is_some()
    }
}

impl Reader {
    /// The first ones after `after` and from `since` on; where neither is given, the newest ones. Oldest first, and no
    /// more than `bytes` of text; true where there is more.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn page(&self, page: &Page, bytes: usize) -> Result<(Vec<StoredMessage>, bool), StoreError> {
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
        let order = if page.is_forward() { "ASC" } else { "DESC" };
        let clause = conditions.sql().to_owned();
        let (limit, values) = conditions.values_with(page.limit);
        let sql = format!("SELECT {COLUMNS} FROM messages{clause} ORDER BY seq {order} LIMIT {limit}");
        let (mut rows, is_cut) = self.rows_within(&sql, params_from_iter(values), bytes)?;
        if !page.is_forward() {
            rows.reverse();
        }
        Ok((rows, is_cut))
    }

    /// The newest `limit` messages of the whole log, oldest first.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn recent(&self, limit: u32) -> Result<Vec<StoredMessage>, StoreError> {
        Ok(self.page(&Page { limit, ..Page::default() }, usize::MAX)?.0)
    }

    /// The newest messages before `before` said by an agent, among those after `after`, or to it, however old. Oldest
    /// first, and no more than `bytes` of text; true where there is more.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn by_or_to(
        &self,
        agent: &str,
        (after, before): (Seq, Seq),
        limit: u32,
        bytes: usize,
    ) -> Result<(Vec<StoredMessage>, bool), StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE seq IN (
                 SELECT seq FROM (SELECT seq FROM addressed WHERE agent = ?1 AND seq < ?4 ORDER BY seq DESC LIMIT ?3)
                 UNION
                 SELECT seq FROM (SELECT seq FROM messages WHERE sender = ?1 AND seq > ?2 AND seq < ?4
                                  ORDER BY seq DESC LIMIT ?3))
             ORDER BY seq DESC LIMIT ?3"
        );
        let values = params![agent, after.as_i64(), limit, before.as_i64()];
        let (mut rows, is_cut) = self.rows_within(&sql, values, bytes)?;
        rows.reverse();
        Ok((rows, is_cut))
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
