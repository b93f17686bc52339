//! Stores the state of a log that several hubs share: how far it is applied, the hubs, and their sessions. Each change
//! is written in the transaction of its batch. A hub without others writes none of it.

use rusqlite::{Connection, OptionalExtension, ToSql, params};

/// The row of `meta` with the number of batches that have been applied.
const POSITION: &str = "log.place";
/// Rows of `meta` by hub: the number of its last batch that counted, or [`GONE`].
const HUB: &str = "log.hub.";
const GONE: i64 = -1;
/// Rows of `meta` by agent: its sessions.
const SESSIONS: &str = "log.sessions.";

/// This state, as read at the start.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// Batches that have been applied.
    pub position: u64,
    /// Each hub with its last batch; None if the hub is gone.
    pub hubs: Vec<(u64, Option<u64>)>,
    /// Agents' sessions, as the roster writes them.
    pub sessions: Vec<(String, String)>,
}

/// Stores that the log is applied up to `position`, which is the batch `n` of `hub`.
pub(super) fn put_position(connection: &Connection, position: u64, hub: u64, n: u64) -> rusqlite::Result<()> {
    put(connection, POSITION, &to_i64(position))?;
    put(connection, &format!("{HUB}{hub}"), &to_i64(n))
}

/// Stores that a hub is gone.
pub(super) fn put_gone(connection: &Connection, hub: u64) -> rusqlite::Result<()> {
    put(connection, &format!("{HUB}{hub}"), &GONE)
}

/// Writes an agent's sessions.
pub(super) fn put_sessions(connection: &Connection, agent: &str, sessions: &str) -> rusqlite::Result<()> {
    put(connection, &format!("{SESSIONS}{agent}"), &sessions)
}

fn put(connection: &Connection, key: &str, value: &dyn ToSql) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])?;
    Ok(())
}

pub(super) fn load(connection: &Connection) -> rusqlite::Result<Shared> {
    let position: Option<i64> =
        connection.query_row("SELECT value FROM meta WHERE key = ?1", [POSITION], |row| row.get(0)).optional()?;
    let Some(position) = position else { return Ok(Shared::default()) };
    let mut rows = connection.prepare("SELECT substr(key, ?1), value FROM meta WHERE key GLOB ?2 ORDER BY key")?;
    let hub = |row: &rusqlite::Row<'_>| {
        let (hub, last) = (row.get::<_, String>(0)?, row.get::<_, i64>(1)?);
        Ok((hub.parse().unwrap_or(0), u64::try_from(last).ok()))
    };
    let hubs = rows.query_map(params![HUB.len() as i64 + 1, format!("{HUB}*")], hub)?.collect::<Result<_, _>>()?;
    let sessions = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let sessions = rows
        .query_map(params![SESSIONS.len() as i64 + 1, format!("{SESSIONS}*")], sessions)?
        .collect::<Result<_, _>>()?;
    Ok(Shared { position: u64::try_from(position).unwrap_or(0), hubs, sessions })
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
