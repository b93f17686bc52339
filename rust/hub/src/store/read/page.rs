//! Reads a page of the log, of all channels or one, oldest first. The dashboard's feed uses these pages.

use orochi_protocol::{ChannelName, Seq, Timestamp};
use rusqlite::{OptionalExtension, params, params_from_iter};

use super::history::Conditions;
use super::{COLUMNS, Reader};
use crate::store::{Message, StoreError};

/// Selects the messages of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageQuery {
    /// Only messages of this channel.
    pub channel: Option<ChannelName>,
    /// Only messages before this seq.
    pub before: Option<Seq>,
    /// Only messages after this seq.
    pub after: Option<Seq>,
    /// Only messages from this time on.
    pub since: Option<Timestamp>,
    /// The largest number of messages.
    pub limit: u32,
}

impl PageQuery {
    /// Returns whether the page continues towards the end of the log.
    pub fn is_forward(&self) -> bool {
        self.after.is_some() || self.since.is_some()
    }
}

impl Reader {
    /// Reads the first messages after `after` and from `since` on; without either, the newest ones. Oldest first, with
    /// at most `bytes` of text. The second value is true if there are more.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn page(&self, page: &PageQuery, bytes: usize) -> Result<(Vec<Message>, bool), StoreError> {
        let mut conditions = Conditions::default();
        if let Some(channel) = &page.channel {
            conditions.and("channel = ?", channel.to_string());
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

    /// Reads the newest messages before `before` from or to an agent. Those from the agent are searched only after
    /// `after`. Oldest first, with at most `bytes` of text. The second value is true if there are more.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn by_or_to(
        &self,
        agent: &str,
        (after, before): (Seq, Seq),
        limit: u32,
        bytes: usize,
    ) -> Result<(Vec<Message>, bool), StoreError> {
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

    /// The seq of a channel's newest message.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn newest_in(&self, channel: &str) -> Result<Option<Seq>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT seq FROM messages WHERE channel = ?1 ORDER BY seq DESC LIMIT 1")?;
        Ok(statement.query_row([channel], |row| row.get(0).map(Seq::from_i64)).optional()?)
    }
}
