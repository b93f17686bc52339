//! Small notes of what was told of other hosts: what keeps it from being told twice, and what later events need.

use orochi_protocol::{Seq, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{Batch, Reader, StoreError};

/// How long a brief key counts.
const BRIEF_MICROS: i64 = 60 * 1_000_000;
/// How long a note is kept that later events need.
const NOTES_KEPT_MICROS: i64 = 30 * 24 * 60 * 60 * 1_000_000;

/// What goes into the log with a message that is told once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Names of what is told. A message that shares one with an earlier message is that message.
    pub keys: Vec<String>,
    /// The same for a minute, because it can happen again.
    pub brief_keys: Vec<String>,
    /// Names that are written with the message, and keep only others from being told.
    pub weak_keys: Vec<String>,
    /// Brief keys of the opposite, which can happen again from now on.
    pub ends: Vec<String>,
    /// Notes for later events: name and value.
    pub notes: Vec<(String, String)>,
}

/// A note as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// When it was last written.
    pub ts: Timestamp,
}

impl Batch<'_> {
    /// The message that shares a key with these marks.
    ///
    /// # Errors
    /// Where the disk refuses; the batch is then to be dropped.
    pub fn told_before(&mut self, marks: &Marks, now: Timestamp) -> Result<Option<(Seq, Timestamp)>, StoreError> {
        let mut select = self.transaction().prepare_cached(
            "SELECT messages.seq, messages.ts FROM marks JOIN messages ON messages.seq = CAST(marks.value AS INTEGER)
             WHERE marks.key = ?1 AND marks.ts >= ?2",
        )?;
        let all = marks.keys.iter().map(|key| (key, i64::MIN));
        let since = now.as_micros() - BRIEF_MICROS;
        for (key, since) in all.chain(marks.brief_keys.iter().map(|key| (key, since))) {
            let read = |row: &rusqlite::Row<'_>| Ok((Seq::from_i64(row.get(0)?), Timestamp::from_micros(row.get(1)?)));
            if let Some(found) = select.query_row(params![told(key), since], read).optional()? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Writes the marks of the message `seq`, which may have been in the log before.
    ///
    /// # Errors
    /// Where the disk refuses; the batch is then to be dropped.
    pub fn mark(&mut self, marks: &Marks, seq: Seq, now: Timestamp) -> Result<(), StoreError> {
        // It reads all notes, so it is done now and then.
        let is_turn = seq.get().is_multiple_of(256);
        let old = if is_turn { Some(self.end_of(NOTES_KEPT_MICROS, now)?) } else { None };
        let transaction = self.transaction();
        let (seq, now) = (seq.as_i64().to_string(), now.as_micros());
        let mut put =
            transaction.prepare_cached("INSERT OR REPLACE INTO marks (key, value, ts) VALUES (?1, ?2, ?3)")?;
        for key in marks.keys.iter().chain(&marks.brief_keys).chain(&marks.weak_keys) {
            put.execute(params![told(key), seq, now])?;
        }
        for (key, value) in &marks.notes {
            put.execute(params![note(key), value, now])?;
        }
        let mut end = transaction.prepare_cached("DELETE FROM marks WHERE key = ?1")?;
        for key in &marks.ends {
            end.execute([told(key)])?;
        }
        if let Some(old) = old {
            transaction
                .prepare_cached("DELETE FROM marks WHERE key >= 'note:' AND key < 'note;' AND ts < ?1")?
                .execute([old])?;
        }
        Ok(())
    }
}

impl Reader {
    /// A note's value.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn note(&self, key: &str) -> Result<Option<String>, StoreError> {
        let mut select = self.connection().prepare_cached("SELECT value FROM marks WHERE key = ?1")?;
        Ok(select.query_row([note(key)], |row| row.get(0)).optional()?)
    }

    /// The notes whose names begin so.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn notes(&self, prefix: &str, limit: usize) -> Result<Vec<Note>, StoreError> {
        let mut select = self.connection().prepare_cached(
            "SELECT substr(key, 6), value, ts FROM marks WHERE substr(key, 1, length(?1)) = ?1 AND key >= ?1
             ORDER BY ts DESC LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = select.query_map(params![note(prefix), limit], |row| {
            Ok(Note { key: row.get(0)?, value: row.get(1)?, ts: Timestamp::from_micros(row.get(2)?) })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

fn told(key: &str) -> String {
    format!("told:{key}")
}

fn note(key: &str) -> String {
    format!("note:{key}")
}
