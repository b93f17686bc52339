//! Calls to other hosts that must not be made twice: what was asked under which id, and what came of it.

use orochi_protocol::Timestamp;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{Store, StoreError};

/// How long a call is remembered.
const KEPT_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// What is known of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// It was not begun before; now it is.
    New,
    /// It was begun, and what came of it is not known.
    Begun,
    /// It was done; this is the answer.
    Done(String),
    /// Something else was asked under this id.
    Other,
}

impl Store {
    /// Notes that a call begins, unless it is known. When this returns, it is on disk.
    ///
    /// # Errors
    /// Where the disk refuses; nothing is noted then.
    pub fn begin_call(&mut self, asker: &str, id: &str, asked: &str, now: Timestamp) -> Result<Call, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("DELETE FROM calls WHERE begun < ?1", [now.as_micros() - KEPT_MICROS])?;
        let known = transaction
            .query_row("SELECT asked, answer FROM calls WHERE asker = ?1 AND id = ?2", params![asker, id], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
            })
            .optional()?;
        let call = match known {
            Some((before, _)) if before != asked => Call::Other,
            Some((_, Some(answer))) => Call::Done(answer),
            Some((_, None)) => Call::Begun,
            None => {
                transaction.execute(
                    "INSERT INTO calls (asker, id, asked, begun) VALUES (?1, ?2, ?3, ?4)",
                    params![asker, id, asked, now.as_micros()],
                )?;
                Call::New
            }
        };
        transaction.commit()?;
        Ok(call)
    }

    /// Notes a call's answer; None forgets a call of which it is sure that it was not done.
    ///
    /// # Errors
    /// Where the disk refuses; the call is then known as begun.
    pub fn end_call(&mut self, asker: &str, id: &str, answer: Option<&str>) -> Result<(), StoreError> {
        match answer {
            Some(answer) => self
                .connection
                .execute("UPDATE calls SET answer = ?3 WHERE asker = ?1 AND id = ?2", params![asker, id, answer])?,
            None => self.connection.execute("DELETE FROM calls WHERE asker = ?1 AND id = ?2", params![asker, id])?,
        };
        Ok(())
    }
}
