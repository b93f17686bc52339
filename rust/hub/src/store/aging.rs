//! Up to which time rows are old enough to be deleted. The system's clock alone does not decide that: it may be ahead
//! for a moment, by years, and also while the hub starts.

use std::time::{Duration, Instant};

use orochi_protocol::Timestamp;
use rusqlite::{Connection, OptionalExtension};

/// The row of `meta` with the time that has passed.
const KEY: &str = "aged_to";
/// How much faster than a clock that is never set this one may go, so that it catches up after the hub was down. A
/// clock that is ahead for less than a quarter of the time that rows are kept costs none of them.
const CATCH_UP: u32 = 4;

/// How often agents' states are swept: each time those of one day at most are given up.
const SWEPT_EVERY: Duration = Duration::from_secs(60 * 60);

/// Time as far as it has passed for sure: it follows the system's clock no faster than time can pass.
#[derive(Debug, Clone)]
pub struct Aging {
    from: i64,
    opened: Instant,
    swept: Option<Instant>,
}

/// How old rows may be at most, for one transaction. It is part of what a hub proposes, so that every hub that applies
/// the same entries deletes the same rows. The default is no age: nothing is old.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Age {
    /// The time that has passed for sure, whatever the clock says.
    limit: i64,
    /// Whether it is time to give up old states of agents.
    pub sweeps: bool,
}

impl Aging {
    /// That of a log; of one that has none yet, from the time of its newest row on.
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
    /// The time before which rows have been kept for `kept` microseconds, where the clock says `system`. It is stored,
    /// so that it goes on from there after a restart.
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
