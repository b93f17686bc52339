//! Calls to other hosts that must not be made twice: what was asked under which id, and what came of it.

use data_encoding::HEXLOWER;
use orochi_protocol::Timestamp;
use ring::digest::{SHA256, digest};
use rusqlite::{OptionalExtension, params};

use super::{Batch, StoreError};

/// How long a call is remembered.
const KEPT_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// What is known of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// It was not begun before; now it is.
    New,
    /// It was begun at this time, and its result is not known.
    Begun(Timestamp),
    /// It was done; this is the answer.
    Done(String),
    /// Something else was asked under this id.
    Other,
}

impl Batch<'_> {
    /// Notes that a call begins, unless it is known; `asked` is the digest of the request. The note is on disk after
    /// the batch's commit.
    ///
    /// # Errors
    /// Where the disk refuses; the batch is then to be dropped.
    pub fn begin_call(&mut self, asker: &str, id: &str, asked: &str, now: Timestamp) -> Result<Call, StoreError> {
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
            Some((before, ..)) if !is_same(&before, asked) => Call::Other,
            Some((_, Some(answer), _)) => Call::Done(answer),
            Some((_, None, begun)) => Call::Begun(begun),
            None => {
                transaction.execute(
                    "INSERT INTO calls (asker, id, asked, begun) VALUES (?1, ?2, ?3, ?4)",
                    params![asker, id, asked, now.as_micros()],
                )?;
                Call::New
            }
        })
    }

    /// Notes a call's answer; None forgets a call that was certainly not made.
    ///
    /// # Errors
    /// Where the disk refuses; the batch is then to be dropped, and the call is known as begun.
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
