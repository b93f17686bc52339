//! Marks and notes of Gitea's events. Marks keep an event from being posted twice; notes hold facts for later events.

use orochi_protocol::{Seq, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{Batch, Reader, StoreError};

/// The lifetime of a brief key.
const BRIEF_MICROS: i64 = 60 * 1_000_000;
/// The lifetime of a note for later events.
const NOTES_KEPT_MICROS: i64 = 30 * 24 * 60 * 60 * 1_000_000;

/// The marks and notes that are stored with a message that must be posted once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Keys of the event. A message that shares a key with an earlier one is the same event.
    pub keys: Vec<String>,
    /// Keys that are valid for a minute, because the event can happen again.
    pub brief_keys: Vec<String>,
    /// Keys that are stored with the message but not compared for this one. They keep only later messages from being
    /// posted.
    pub weak_keys: Vec<String>,
    /// Brief keys of the opposite event, which may happen again from now on.
    pub ends: Vec<String>,
    /// Names and values of notes for later events.
    pub notes: Vec<(String, String)>,
}

/// A stored note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub key: String,
    pub value: String,
    /// The time of its last write.
    pub ts: Timestamp,
}

impl Batch<'_> {
    /// Finds the message that shares a key with these marks.
    ///
    /// # Errors
    /// Fails if the disk refuses; the caller then has to drop the batch.
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

    /// Stores the marks of message `seq`, which may be in the log already.
    ///
    /// # Errors
    /// Fails if the disk refuses; the caller then has to drop the batch.
    pub fn mark(&mut self, marks: &Marks, seq: Seq, now: Timestamp) -> Result<(), StoreError> {
        // Expired notes are removed only now and then, because this reads all notes.
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
    /// Reads a note's value.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn note(&self, key: &str) -> Result<Option<String>, StoreError> {
        let mut select = self.connection().prepare_cached("SELECT value FROM marks WHERE key = ?1")?;
        Ok(select.query_row([note(key)], |row| row.get(0)).optional()?)
    }

    /// Lists the notes whose names begin with `prefix`, newest first.
    ///
    /// # Errors
    /// Fails if the disk refuses.
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
