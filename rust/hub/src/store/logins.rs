//! Stores dashboard logins that were signed out early, so that they stay ended after a restart.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{Batch, StoreError};

/// Ended logins that are kept. Creating a login needs the token, so strangers can't fill this.
pub(crate) const ENDED_LOGINS_MAX: usize = 1000;
/// The prefix of their keys in `meta`. The login's nonce follows; the value is the time at which it would expire.
const PREFIX: &str = "ended_session.";

impl Batch<'_> {
    /// Stores the end of a login that would be valid until `until` (seconds since 1970). Beyond the bound, removes
    /// those that expire first. Expired ones are kept: while the clock is ahead, they only seem to have expired.
    ///
    /// # Errors
    /// Fails if the disk refuses; the caller then has to drop the batch.
    pub fn end_login(&mut self, nonce: &str, until: i64) -> Result<(), StoreError> {
        let transaction = self.transaction();
        let all = format!("{PREFIX}*");
        let put = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
        transaction.execute(put, params![format!("{PREFIX}{nonce}"), until])?;
        let cut = "DELETE FROM meta WHERE key IN
            (SELECT key FROM meta WHERE key GLOB ?1 ORDER BY value DESC LIMIT -1 OFFSET ?2)";
        transaction.execute(cut, params![all, ENDED_LOGINS_MAX as i64])?;
        Ok(())
    }
}

/// The ended logins: nonces with the times at which they would expire.
pub(super) fn load_ended(connection: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    let mut statement = connection.prepare("SELECT substr(key, ?1), value FROM meta WHERE key GLOB ?2")?;
    let rows = statement
        .query_map(params![PREFIX.len() as i64 + 1, format!("{PREFIX}*")], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
