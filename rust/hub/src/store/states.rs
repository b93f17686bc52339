//! When each agent was in which state: for people who ask what happened while they were away.

use orochi_protocol::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Batch, Reader, StoreError};

/// How long states are kept.
const KEPT_MICROS: i64 = 30 * 24 * 60 * 60 * 1_000_000;
/// What an agent without a connection is in.
pub const OFFLINE: &str = "offline";

/// The beginning of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// Since when.
    pub ts: Timestamp,
    /// What the agent said it was doing, or [`OFFLINE`].
    pub state: String,
}

impl Batch<'_> {
    /// Notes that an agent is in this state from now on.
    ///
    /// # Errors
    /// Where the disk refuses; the batch is then to be dropped.
    pub fn put_state(&mut self, agent: &str, state: &str, now: Timestamp) -> Result<(), StoreError> {
        let transaction = self.transaction();
        transaction
            .prepare_cached("DELETE FROM agent_states WHERE ts < ?1")?
            .execute([now.as_micros() - KEPT_MICROS])?;
        transaction
            .prepare_cached("INSERT INTO agent_states (agent, ts, state) VALUES (?1, ?2, ?3)")?
            .execute(params![agent, now.as_micros(), state])?;
        Ok(())
    }
}

impl Reader {
    /// An agent's changes of state from `since` on and before `until`, oldest first; before them the one that it was in
    /// at `since`. Where they are more than `limit`, only the newest of them.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn states(
        &self,
        agent: &str,
        since: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<StateChange>, StoreError> {
        let change =
            |row: &rusqlite::Row<'_>| Ok(StateChange { ts: Timestamp::from_micros(row.get(0)?), state: row.get(1)? });
        let mut before = self.connection().prepare_cached(
            "SELECT ts, state FROM agent_states WHERE agent = ?1 AND ts < ?2 ORDER BY ts DESC, rowid DESC LIMIT 1",
        )?;
        let first = before.query_row(params![agent, since.as_micros()], change).optional()?;
        let mut within = self.connection().prepare_cached(
            "SELECT ts, state FROM agent_states WHERE agent = ?1 AND ts >= ?2 AND ts < ?3
             ORDER BY ts DESC, rowid DESC LIMIT ?4",
        )?;
        let rows = within.query_map(params![agent, since.as_micros(), until.as_micros(), limit], change)?;
        let mut changes: Vec<StateChange> = rows.collect::<Result<_, _>>()?;
        if changes.len() < limit as usize {
            changes.extend(first);
        }
        changes.reverse();
        Ok(changes)
    }

    /// Since when an agent is in the state that it is in; None where that is longer ago than states are kept.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn state_since(&self, agent: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut newest = self
            .connection()
            .prepare_cached("SELECT ts FROM agent_states WHERE agent = ?1 ORDER BY ts DESC, rowid DESC LIMIT 1")?;
        Ok(newest.query_row([agent], |row| row.get(0).map(Timestamp::from_micros)).optional()?)
    }
}

/// A hub that was killed could not note that its agents went: they did when they were last seen.
pub(super) fn close_open(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO agent_states (agent, ts, state)
         SELECT name, last_seen, ?1 FROM agents WHERE ?1 <> coalesce(
             (SELECT state FROM agent_states WHERE agent = name ORDER BY ts DESC, rowid DESC LIMIT 1), ?1)",
        [OFFLINE],
    )?;
    Ok(())
}
