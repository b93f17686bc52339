//! Reads the log.
//!
//! - [`pool`]: the readers, with bounds on their number and time.
//! - [`history`], [`page`], [`glance`]: the queries. [`room`]: the bound on an answer's text.

mod glance;
mod history;
mod page;
mod pool;
mod room;

use std::ops::ControlFlow;
use std::path::Path;

use orochi_protocol::{Seq, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

pub(crate) use glance::{Excerpt, Glance};
pub(crate) use page::PageQuery;
pub use pool::{Lane, Reads};
pub(crate) use room::{ANSWER_TEXT_MAX, TextRoom};

use super::row::{COLUMNS, Places, empty, read_into, read_row};
use super::{Message, StoreError};

/// Counting stops here: a larger number helps nobody, and counting takes time.
const WAITING_MAX: u32 = 1000;
/// Waiting messages whose senders are listed.
const SENDERS_OF: u32 = 50;

/// The messages addressed to an agent after its cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Their number, at most 1000.
    pub count: u32,
    /// The seq of the first one.
    pub oldest: Option<Seq>,
    /// The time of the first one.
    pub oldest_ts: Option<Timestamp>,
    /// The senders of the first few, in log order.
    pub from: Vec<String>,
}

/// A read-only connection to the log.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    legacy_head: Seq,
    places: Places,
}

impl Reader {
    fn open(path: &Path, legacy_head: Seq) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // A cache of 512 KiB for each reader: pages that are read often stay, and an empty hub stays small.
        connection.pragma_update(None, "cache_size", -512)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self { connection, legacy_head, places: Places::default() })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Reads one message.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn message(&self, seq: Seq) -> Result<Option<Message>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE seq = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([seq.as_i64()], |row| read_row(row, &self.places)).optional()?)
    }

    /// Counts the mentions of and direct messages to `agent` after its cursor, up to [`WAITING_MAX`].
    ///
    /// # Errors
    /// Fails if the disk refuses.
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

    /// Calls `visit` for the messages after `after` and up to `upto`, in log order, until `visit` breaks.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn scan(
        &self,
        after: Seq,
        upto: Seq,
        visit: impl FnMut(&Message) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE seq > ?1 AND seq <= ?2 ORDER BY seq");
        self.visit(&sql, params![after.as_i64(), upto.as_i64()], visit)
    }

    /// Calls `visit` for the messages from `from` to below `before`, newest first, until `visit` breaks.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn scan_back(
        &self,
        from: Seq,
        before: Seq,
        visit: impl FnMut(&Message) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE seq >= ?1 AND seq < ?2 ORDER BY seq DESC");
        self.visit(&sql, params![from.as_i64(), before.as_i64()], visit)
    }

    /// Does the same for the messages that mention `agent` or are direct messages to it, without reading the others.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn addressed(
        &self,
        agent: &str,
        after: Seq,
        upto: Seq,
        visit: impl FnMut(&Message) -> ControlFlow<()>,
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
        mut visit: impl FnMut(&Message) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        let mut message = empty();
        while let Some(row) = rows.next()? {
            read_into(row, &self.places, &mut message)?;
            if visit(&message).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The rows that fit into the room; the second value is true if there are more.
    fn rows_within(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        bytes: usize,
    ) -> Result<(Vec<Message>, bool), StoreError> {
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

    fn rows(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Message>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_map(parameters, |row| read_row(row, &self.places))?.collect::<Result<_, _>>()?)
    }
}
