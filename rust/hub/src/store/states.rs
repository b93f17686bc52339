//! Stores the states of each agent over time, for people who ask what happened while they were away.

use std::collections::HashMap;

use orochi_protocol::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Batch, Reader, StoreError};

/// The time for which states are kept.
const KEPT_MICROS: i64 = 30 * 24 * 60 * 60 * 1_000_000;
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// The newest changes of one agent that are kept: almost three hours at one a second, a week at one a minute.
const ROWS_MAX: i64 = 10_000;
/// Changes of one agent that are written within this many seconds. Over longer times, one a second is written.
const BURST: i64 = 10;
/// After this many new rows of all agents, an agent's rows are counted, and at most `TRIM_MOST` are deleted at once.
const TRIM_EVERY: i64 = 64;
const TRIM_MOST: i64 = 4096;
/// The row of `meta` with the time up to which rows are deleted.
const SWEPT: &str = "states_swept_to";
/// The state of an agent that left.
pub(crate) const OFFLINE: &str = "offline";
/// The state of an agent whose connection broke in the middle of its work: no close frame came.
pub(crate) const LOST: &str = "lost";
/// The state of an agent that was connected when the hub ended, until it is back.
pub(crate) const HUB_DOWN: &str = "hub down";
/// The longest time for which a returning agent is online before it reports its status again.
const RETURN_MICROS: i64 = 10 * 1_000_000;
/// Rows read to find the beginning of a state: enough for four restarts of the hub.
const ROWS_BACK: u32 = 13;

/// Returns whether an agent with this status is expected to continue. If it vanishes, it is lost.
pub(crate) fn is_work(status: &str) -> bool {
    matches!(status, "busy" | "blocked" | "error")
}

/// The beginning of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The time of the change.
    pub ts: Timestamp,
    /// The agent's reported status, or [`OFFLINE`].
    pub state: String,
}

/// The newest state in the log, and its beginning. A restart of the hub does not end a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentState {
    /// The state.
    pub state: String,
    /// Its beginning.
    pub since: Timestamp,
    /// The state before it.
    pub before: Option<String>,
}

impl CurrentState {
    /// Finds it in the changes of one agent, newest first.
    fn from_newest(changes: &[StateChange]) -> Option<Self> {
        let newest = changes.first()?;
        let mut at = 0;
        while let Some(more) = same_before(&changes[at..], &newest.state) {
            at += more;
        }
        let before = changes.get(at + 1).map(|change| change.state.clone());
        Some(Self { state: newest.state.clone(), since: changes[at].ts, before })
    }
}

/// The number of rows by which the same state began earlier, if only a restart of the hub lies between.
fn same_before(changes: &[StateChange], state: &str) -> Option<usize> {
    let is = |at: usize, state: &str| changes.get(at).is_some_and(|change| change.state == state);
    let is_return = |at: usize| {
        let until = at.checked_sub(1).and_then(|next| changes.get(next));
        is(at, "online") && until.is_some_and(|next| next.ts.as_micros() - changes[at].ts.as_micros() < RETURN_MICROS)
    };
    match () {
        () if is(1, state) => Some(1),
        () if is(1, HUB_DOWN) && is(2, state) => Some(2),
        () if is_return(1) && is(2, HUB_DOWN) && is(3, state) => Some(3),
        () => None,
    }
}

impl Batch<'_> {
    /// Stores that an agent is in this state from now on.
    ///
    /// # Errors
    /// Fails if the disk refuses; the caller then has to drop the batch.
    pub fn put_state(&mut self, agent: &str, state: &str, now: Timestamp) -> Result<(), StoreError> {
        if state == HUB_DOWN {
            // The agent is expected to return to the state before this one, so that row stays, however old or short.
            insert(self.transaction(), agent, state, now)?;
            return Ok(());
        }
        self.forget_old_states(now)?;
        let transaction = self.transaction();
        // A faster agent gets one row a second: its newest row gets the new state.
        let burst: Option<i64> = transaction
            .prepare_cached("SELECT ts FROM agent_states WHERE agent = ?1 ORDER BY rowid DESC LIMIT 1 OFFSET ?2")?
            .query_row(params![agent, BURST - 1], |row| row.get(0))
            .optional()?;
        if burst.is_some_and(|ts| (0..BURST * 1_000_000).contains(&(now.as_micros() - ts))) {
            transaction
                .prepare_cached(
                    "UPDATE agent_states SET state = ?2
                     WHERE rowid = (SELECT rowid FROM agent_states WHERE agent = ?1 ORDER BY rowid DESC LIMIT 1)",
                )?
                .execute(params![agent, state])?;
            return Ok(());
        }
        insert(transaction, agent, state, now)?;
        if transaction.last_insert_rowid() % TRIM_EVERY == 0 {
            transaction
                .prepare_cached(
                    "DELETE FROM agent_states WHERE rowid IN
                     (SELECT rowid FROM agent_states WHERE agent = ?1 ORDER BY rowid DESC LIMIT ?3 OFFSET ?2)",
                )?
                .execute(params![agent, ROWS_MAX, TRIM_MOST])?;
        }
        Ok(())
    }

    /// Advances the time up to which states are deleted, by at most a day: a clock that is ahead for a moment must not
    /// delete the history.
    ///
    /// # Errors
    /// Fails if the disk refuses; the caller then has to drop the batch.
    pub fn sweep_states(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if !self.take_sweep() {
            return Ok(());
        }
        let transaction = self.transaction();
        let oldest: Option<i64> = transaction.query_row("SELECT min(ts) FROM agent_states", [], |row| row.get(0))?;
        let upto = now.as_micros() - KEPT_MICROS;
        let upto = oldest.map_or(upto, |oldest| upto.min(oldest.saturating_add(DAY_MICROS)));
        transaction.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", params![SWEPT, upto])?;
        *self.swept_to() = upto;
        Ok(())
    }

    /// Deletes rows that are too old, a few with each write.
    fn forget_old_states(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.sweep_states(now)?;
        let upto = *self.swept_to();
        self.transaction()
            .prepare_cached(
                "DELETE FROM agent_states WHERE rowid IN (SELECT rowid FROM agent_states WHERE ts < ?1 LIMIT ?2)",
            )?
            .execute(params![upto, TRIM_MOST])?;
        Ok(())
    }
}

fn insert(transaction: &Connection, agent: &str, state: &str, now: Timestamp) -> rusqlite::Result<()> {
    transaction.prepare_cached("INSERT INTO agent_states (agent, ts, state) VALUES (?1, ?2, ?3)")?.execute(params![
        agent,
        now.as_micros(),
        state
    ])?;
    Ok(())
}

/// The time up to which states are deleted.
pub(super) fn load_swept_to(connection: &Connection) -> rusqlite::Result<i64> {
    let select = "SELECT value FROM meta WHERE key = ?1";
    Ok(connection.query_row(select, [SWEPT], |row| row.get(0)).optional()?.unwrap_or(i64::MIN))
}

impl Reader {
    /// An agent's changes of state from `since` until before `until`, oldest first, preceded by its state at `since`.
    /// At most `limit` of them, the newest.
    ///
    /// # Errors
    /// Fails if the disk refuses.
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

    /// An agent's current state; None if it began before the time for which states are kept.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn current_state(&self, agent: &str) -> Result<Option<CurrentState>, StoreError> {
        let mut newest = self
            .connection()
            .prepare_cached("SELECT ts, state FROM agent_states WHERE agent = ?1 ORDER BY rowid DESC LIMIT ?2")?;
        let change =
            |row: &rusqlite::Row<'_>| Ok(StateChange { ts: Timestamp::from_micros(row.get(0)?), state: row.get(1)? });
        let changes: Vec<StateChange> =
            newest.query_map(params![agent, ROWS_BACK], change)?.collect::<Result<_, _>>()?;
        Ok(CurrentState::from_newest(&changes))
    }
}

/// The newest state of each agent that has one.
pub(super) fn load_newest(connection: &Connection) -> rusqlite::Result<HashMap<String, String>> {
    let mut newest = connection.prepare(
        "SELECT name, state FROM (
             SELECT name, (SELECT state FROM agent_states WHERE agent = name ORDER BY rowid DESC LIMIT 1) AS state
             FROM agents
         ) WHERE state IS NOT NULL",
    )?;
    let rows = newest.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// The last time at which the hub that wrote the log certainly ran: the log's newest time, but not after `now`, because
/// a clock may have been ahead.
pub(super) fn last_alive(connection: &Connection, now: Timestamp) -> rusqlite::Result<Timestamp> {
    let select = "SELECT min(?1, max(
            (SELECT coalesce(max(last_seen), 0) FROM agents),
            coalesce((SELECT ts FROM messages ORDER BY seq DESC LIMIT 1), 0),
            coalesce((SELECT max(ts) FROM agent_states), 0)
        ))";
    connection.query_row(select, [now.as_micros()], |row| row.get(0).map(Timestamp::from_micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The current state of an agent whose changes were these, each with its minute, the oldest first.
    fn current(changes: &[(i64, &str)]) -> (String, i64, Option<String>) {
        let newest_first: Vec<StateChange> = changes
            .iter()
            .rev()
            .map(|(minute, state)| StateChange {
                ts: Timestamp::from_micros(minute * 60_000_000),
                state: (*state).to_owned(),
            })
            .collect();
        let CurrentState { state, since, before } = CurrentState::from_newest(&newest_first).unwrap();
        (state, since.as_micros() / 60_000_000, before)
    }

    fn is(state: &str, minute: i64, before: &str) -> (String, i64, Option<String>) {
        (state.to_owned(), minute, Some(before.to_owned()))
    }

    #[test]
    fn current_state_lasts_over_restarts_of_the_hub() {
        let before = [(1, "idle"), (2, "error")];
        assert_eq!(current(&before), is("error", 2, "idle"));
        let after = [before.as_slice(), &[(6, HUB_DOWN), (7, "error")]].concat();
        assert_eq!(current(&after), is("error", 2, "idle"));
        let twice = [after.as_slice(), &[(8, HUB_DOWN), (9, "online"), (9, "error")]].concat();
        assert_eq!(current(&twice), is("error", 2, "idle"));
    }

    #[test]
    fn current_state_begins_anew_where_the_agent_itself_was_away_or_did_something_else() {
        for gap in ["offline", LOST, "idle"] {
            assert_eq!(current(&[(2, "error"), (6, gap), (7, "error")]), is("error", 7, gap));
        }
        let longer = [(2, "error"), (6, HUB_DOWN), (7, "online"), (8, "error")];
        assert_eq!(current(&longer), is("error", 8, "online"));
    }
}
