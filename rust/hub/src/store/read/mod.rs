//! Reading the log.
//!
//! - [`pool`]: who may read, how many at once and for how long.
//! - [`history`], [`page`], [`glance`]: what is read. [`room`]: how much of it at once.

mod glance;
mod history;
mod page;
mod pool;
mod room;

use std::ops::ControlFlow;
use std::path::Path;

use orochi_protocol::{Seq, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

pub use glance::{Excerpt, Glance};
pub use page::Page;
pub use pool::{Lane, Paused, Reads};
pub use room::{ANSWER_TEXT_MAX, TextRoom};

use super::row::{COLUMNS, empty, read_into, read_row};
use super::{StoreError, StoredMessage};

/// More than this is not counted: nobody looks at the difference, and counting costs.
const WAITING_MAX: u32 = 1000;
/// Waiting messages whose senders are looked up.
const SENDERS_OF: u32 = 50;

/// What an agent has not dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// How many messages, at most 1000.
    pub count: u32,
    /// The first of them.
    pub oldest: Option<Seq>,
    /// When that was accepted.
    pub oldest_ts: Option<Timestamp>,
    /// Who said them, in the order of the log, of the first few.
    pub from: Vec<String>,
}

/// One read-only connection.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    legacy_head: Seq,
}

impl Reader {
    fn open(path: &Path, legacy_head: Seq) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // 2 MiB of pages each: what is read often stays, and an empty hub stays small.
        connection.pragma_update(None, "cache_size", -1024)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self { connection, legacy_head })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// One message.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn message(&self, seq: Seq) -> Result<Option<StoredMessage>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE seq = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([seq.as_i64()], read_row).optional()?)
    }

    /// What waits for `agent` after its cursor: mentions and direct messages, counted up to [`WAITING_MAX`].
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn waiting(&self, agent: &str, after: Seq) -> Result<Waiting, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*), min(seq) FROM
             (SELECT seq FROM addressed WHERE agent = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3)",
        )?;
        let found = statement.query_row(params![agent, after.as_i64(), WAITING_MAX], |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(Seq::from_i64)))
        });
        let (count, oldest) = found?;
        if count == 0 {
            return Ok(Waiting { count, oldest, oldest_ts: None, from: Vec::new() });
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT ts, sender FROM addressed JOIN messages USING (seq) WHERE agent = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )?;
        let mut rows = statement.query(params![agent, after.as_i64(), SENDERS_OF])?;
        let (mut oldest_ts, mut from) = (None, Vec::new());
        while let Some(row) = rows.next()? {
            oldest_ts.get_or_insert(Timestamp::from_micros(row.get(0)?));
            let sender: String = row.get(1)?;
            if !from.contains(&sender) {
                from.push(sender);
            }
        }
        Ok(Waiting { count, oldest, oldest_ts, from })
    }

    /// Shows `visit` the messages after `after` and up to `upto` in log order, until it breaks off.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn scan(
        &self,
        after: Seq,
        upto: Seq,
        visit: impl FnMut(&StoredMessage) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE seq > ?1 AND seq <= ?2 ORDER BY seq");
        self.visit(&sql, params![after.as_i64(), upto.as_i64()], visit)
    }

    /// Shows `visit` the messages from `from` to below `before`, newest first, until it breaks off.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn scan_back(
        &self,
        from: Seq,
        before: Seq,
        visit: impl FnMut(&StoredMessage) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE seq >= ?1 AND seq < ?2 ORDER BY seq DESC");
        self.visit(&sql, params![from.as_i64(), before.as_i64()], visit)
    }

    /// The same of the messages that mention `agent` or are written to it, without reading the others.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn addressed(
        &self,
        agent: &str,
        after: Seq,
        upto: Seq,
        visit: impl FnMut(&StoredMessage) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM addressed JOIN messages USING (seq)
             WHERE agent = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq"
        );
        self.visit(&sql, params![agent, after.as_i64(), upto.as_i64()], visit)
    }

    fn visit(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut visit: impl FnMut(&StoredMessage) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        let mut message = empty();
        while let Some(row) = rows.next()? {
            read_into(row, &mut message)?;
            if visit(&message).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The rows as far as there is room for them; true where there are more.
    fn rows_within(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        bytes: usize,
    ) -> Result<(Vec<StoredMessage>, bool), StoreError> {
        let (mut messages, mut room, mut is_cut) = (Vec::new(), TextRoom::new(bytes), false);
        self.visit(sql, parameters, |message| {
            if !room.take(message) {
                is_cut = true;
                return ControlFlow::Break(());
            }
            messages.push(message.clone());
            ControlFlow::Continue(())
        })?;
        Ok((messages, is_cut))
    }

    fn rows(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<StoredMessage>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_map(parameters, read_row)?.collect::<Result<_, _>>()?)
    }
}
