//! Dashboard logins that were signed out before they expired: they stay ended when the hub restarts.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{Batch, StoreError};

/// Ended logins that are kept. A login needs the token, so only its holders can fill this.
pub const ENDED_SESSIONS_MAX: usize = 1000;
/// They are rows of `meta`: the key is this and the login's nonce, the value is when the login would expire.
const PREFIX: &str = "ended_session.";

impl Batch<'_> {
    /// Stores that a login was ended, which would be valid until `until` (seconds since 1970). Drops, beyond the bound,
    /// those that expire first. Expired ones are kept as well: where the clock was ahead, they only seem to have
    /// expired.
    ///
    /// # Errors
    /// Where the disk refuses; the batch is then to be dropped.
    pub fn end_session(&mut self, nonce: &str, until: i64) -> Result<(), StoreError> {
        let transaction = self.transaction();
        let all = format!("{PREFIX}*");
        let put = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
        transaction.execute(put, params![format!("{PREFIX}{nonce}"), until])?;
        let cut = "DELETE FROM meta WHERE key IN
            (SELECT key FROM meta WHERE key GLOB ?1 ORDER BY value DESC LIMIT -1 OFFSET ?2)";
        transaction.execute(cut, params![all, ENDED_SESSIONS_MAX as i64])?;
        Ok(())
    }
}

/// The ended logins by nonce, each with the time at which it would expire.
pub(super) fn load_ended(connection: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    let mut statement = connection.prepare("SELECT substr(key, ?1), value FROM meta WHERE key GLOB ?2")?;
    let rows = statement
        .query_map(params![PREFIX.len() as i64 + 1, format!("{PREFIX}*")], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
