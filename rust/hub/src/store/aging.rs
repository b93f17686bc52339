//! Decides up to which time rows are old enough to be deleted. The system's clock alone can't decide that: it may be
//! years ahead for a moment, also while the hub starts.

use std::time::{Duration, Instant};

use orochi_protocol::Timestamp;
use rusqlite::{Connection, OptionalExtension};

/// The row of `meta` with the time that has passed.
const KEY: &str = "aged_to";
/// This time may pass this much faster than real time, to catch up after the hub was down. A clock that is ahead for
/// less than a quarter of the time for which rows are kept deletes none of them.
const CATCH_UP: u32 = 4;

/// The interval between sweeps of agents' states. Each sweep deletes those of at most one day.
const SWEPT_EVERY: Duration = Duration::from_secs(60 * 60);

/// The time that has certainly passed. It follows the system's clock, but no faster than time can pass.
#[derive(Debug, Clone)]
pub struct Aging {
    from: i64,
    opened: Instant,
    swept: Option<Instant>,
}

/// The greatest age of rows, for one transaction. A hub proposes it with its entries, so that every hub that applies
/// them deletes the same rows. By default, no row is old.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Age {
    /// The time that has certainly passed, independent of the clock.
    limit: i64,
    /// It is time to delete old states of agents.
    pub sweeps: bool,
}

impl Aging {
    /// Loads a log's stored time. If it has none, the time begins at its newest row.
    pub(super) fn load(connection: &Connection, newest: Timestamp) -> rusqlite::Result<Self> {
        let select = "SELECT value FROM meta WHERE key = ?1";
        let stored: Option<i64> = connection.query_row(select, [KEY], |row| row.get(0)).optional()?;
        Ok(Self { from: stored.unwrap_or(newest.as_micros()), opened: Instant::now(), swept: None })
    }

    /// The age of rows that are written now.
    pub fn age(&mut self) -> Age {
        let now = Instant::now();
        let sweeps = self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEPT_EVERY);
        if sweeps {
            self.swept = Some(now);
        }
        Age { limit: self.limit(now.saturating_duration_since(self.opened)), sweeps }
    }

    fn limit(&self, passed: Duration) -> i64 {
        let most = i64::try_from(passed.as_micros().saturating_mul(CATCH_UP.into())).unwrap_or(i64::MAX);
        self.from.saturating_add(most)
    }
}

impl Age {
    /// The time before which rows have been kept for `kept` microseconds, if the clock shows `system`. It is stored, so
    /// a restarted hub continues from it.
    pub(super) fn end_of(self, kept: i64, system: Timestamp, connection: &Connection) -> rusqlite::Result<i64> {
        let now = self.now(system);
        let store = "INSERT INTO meta (key, value) VALUES (?1, ?2)
                     ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)";
        connection.prepare_cached(store)?.execute((KEY, now))?;
        Ok(now - kept)
    }

    fn now(self, system: Timestamp) -> i64 {
        system.as_micros().min(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_follows_the_clock_no_faster_than_time_can_pass() {
        const HOUR: i64 = 3_600_000_000;
        let time = |hours: i64| Timestamp::from_micros(hours * HOUR);
        let aging = Aging { from: time(1000).as_micros(), opened: Instant::now(), swept: None };
        let after = |hours: u64, system: i64| {
            let age = Age { limit: aging.limit(Duration::from_secs(hours * 3600)), sweeps: false };
            age.now(time(system)) / HOUR
        };
        assert_eq!(after(0, 1000), 1000);
        assert_eq!(after(30, 1030), 1030);
        assert_eq!(after(1, 10_000), 1004, "ahead by a year");
        assert_eq!(after(1, 20), 20, "behind");
        assert_eq!(after(0, 1500), 1000, "after weeks in which the hub was down");
        assert_eq!(after(200, 1700), 1700, "which it has caught up with");
    }
}
