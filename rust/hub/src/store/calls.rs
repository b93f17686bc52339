//! Stores calls to other hosts that must not be made twice: each with its id, its request and its result.

use data_encoding::HEXLOWER;
use orochi_protocol::Timestamp;
use ring::digest::{SHA256, digest};
use rusqlite::{OptionalExtension, params};

use super::{Batch, StoreError};

/// The time for which a call is remembered.
const KEPT_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// The stored state of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallState {
    /// The call is new and begins now.
    New,
    /// It began at this time, and its result is unknown.
    Begun(Timestamp),
    /// It was done, with this answer.
    Done(String),
    /// The id belongs to another request.
    Other,
}

impl Batch<'_> {
    /// Notes that a call begins, unless it is known; `asked` is the digest of the request. The note is on disk after
    /// the batch's commit.
    ///
    /// # Errors
    /// Fails if the disk refuses; the caller then has to drop the batch.
    pub fn begin_call(&mut self, asker: &str, id: &str, asked: &str, now: Timestamp) -> Result<CallState, StoreError> {
        let old = self.end_of(KEPT_MICROS, now)?;
        let transaction = self.transaction();
        transaction.execute("DELETE FROM calls WHERE begun < ?1", [old])?;
        let known = transaction
            .query_row(
                "SELECT asked, answer, begun FROM calls WHERE asker = ?1 AND id = ?2",
                params![asker, id],
                |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get::<_, Option<String>>(1)?,
                        Timestamp::from_micros(row.get(2)?),
                    ))
                },
            )
            .optional()?;
        Ok(match known {
            Some((before, ..)) if !is_same(&before, asked) => CallState::Other,
            Some((_, Some(answer), _)) => CallState::Done(answer),
            Some((_, None, begun)) => CallState::Begun(begun),
            None => {
                transaction.execute(
                    "INSERT INTO calls (asker, id, asked, begun) VALUES (?1, ?2, ?3, ?4)",
                    params![asker, id, asked, now.as_micros()],
                )?;
                CallState::New
            }
        })
    }

    /// Notes a call's answer; None forgets a call that was certainly not made.
    ///
    /// # Errors
    /// Fails if the disk refuses; the caller then has to drop the batch, and the call is known as begun.
    pub fn end_call(&mut self, asker: &str, id: &str, answer: Option<&str>) -> Result<(), StoreError> {
        let transaction = self.transaction();
        match answer {
            Some(answer) => transaction
                .execute("UPDATE calls SET answer = ?3 WHERE asker = ?1 AND id = ?2", params![asker, id, answer])?,
            None => transaction.execute("DELETE FROM calls WHERE asker = ?1 AND id = ?2", params![asker, id])?,
        };
        Ok(())
    }
}

/// Compares a noted request with a digest. Hubs before this one noted the request's text; such notes last a day.
fn is_same(noted: &str, asked: &str) -> bool {
    noted == asked || (noted.len() != 64 && HEXLOWER.encode(digest(&SHA256, noted.as_bytes()).as_ref()) == asked)
}
