//! Reads a channel's or a conversation's messages in either order.
//!
//! There is no index of times. Times rise with the seqs while nobody sets the clock back, so a binary search finds the
//! seq of a time. `clock_steps` notes each message before which the clock was set back. Between two steps times rise,
//! and each such stretch is searched by itself. Only the part that 0.1.0 wrote can be out of order within.

use std::ops::Range;

use orochi_protocol::request::{HistoryFilter, Order};
use orochi_protocol::{Seq, Timestamp};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params_from_iter};

use super::{COLUMNS, Reader};
use crate::store::{Message, Place, StoreError};

/// The largest number of clock steps that are searched one by one.
const STEPS_MAX: u32 = 1000;

/// The conditions of a query with their values, in the same order.
#[derive(Default)]
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds `AND condition`, in which `?` stands for `value`.
    pub(super) fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let numbered = condition.replace('?', &format!("?{}", self.values.len()));
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(&numbered);
    }

    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    /// The placeholder for `limit`, which is the next parameter, and all values with it.
    pub(super) fn values_with(mut self, limit: u32) -> (String, Vec<Value>) {
        self.values.push(i64::from(limit).into());
        (format!("?{}", self.values.len()), self.values)
    }
}

impl Reader {
    /// Reads the messages of a channel or conversation that match the filter, in the filter's order.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn history(&self, place: &Place, filter: &HistoryFilter) -> Result<Vec<Message>, StoreError> {
        let (sql, values) = self.history_sql(place, filter)?;
        self.rows(&sql, params_from_iter(values))
    }

    /// Does the same with at most `bytes` of text, but at least one message. The second value is true if there are
    /// more.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn history_within(
        &self,
        place: &Place,
        filter: &HistoryFilter,
        bytes: usize,
    ) -> Result<(Vec<Message>, bool), StoreError> {
        let (sql, values) = self.history_sql(place, filter)?;
        self.rows_within(&sql, params_from_iter(values), bytes)
    }

    fn history_sql(&self, place: &Place, filter: &HistoryFilter) -> Result<(String, Vec<Value>), StoreError> {
        let mut conditions = Conditions::default();
        conditions.and("channel = ?", place.to_string());
        self.bound(&mut conditions, filter.since, filter.until)?;
        if let Some(before) = filter.before {
            conditions.and("seq < ?", before.as_i64());
        }
        if let Some(after) = filter.after {
            conditions.and("seq > ?", after.as_i64());
        }
        if let Some(sender) = &filter.sender {
            conditions.and("sender = ?", sender.as_str().to_owned());
        }
        if let Some(reply_to) = filter.reply_to {
            conditions.and("reply_to = ?", reply_to.as_i64());
        }
        let clause = conditions.sql().to_owned();
        let (limit, values) = conditions.values_with(filter.limit);
        let direction = match filter.order {
            Order::Desc => "DESC",
            Order::Asc => "ASC",
        };
        let sql = format!("SELECT {COLUMNS} FROM messages{clause} ORDER BY seq {direction} LIMIT {limit}");
        Ok((sql, values))
    }

    /// The range of seqs that contains all messages of a time span; the end is exclusive. It can also contain others:
    /// those that 0.1.0 wrote, and those around a change of the clock.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn seq_range(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> Result<(Seq, Seq), StoreError> {
        let mut range = (Seq::ZERO.next(), Seq::MAX);
        if since.is_none() && until.is_none() {
            return Ok(range);
        }
        let stretches = self.stretches()?;
        if let Some(since) = since {
            range.0 = self.first_since(&stretches, since)?.unwrap_or(range.0);
        }
        if let Some(until) = until {
            range.1 = self.end_until(&stretches, until)?.unwrap_or(range.1);
        }
        Ok(range)
    }

    /// Adds conditions for a time span. Seqs limit the range; times are still compared within it, because the stretches
    /// between clock steps can overlap in time.
    pub(super) fn bound(
        &self,
        conditions: &mut Conditions,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (first, end) = self.seq_range(since, until)?;
        if let Some(since) = since {
            conditions.and("seq >= ?", first.as_i64());
            conditions.and("ts >= ?", since.as_micros());
        }
        if let Some(until) = until {
            conditions.and("seq < ?", end.as_i64());
            conditions.and("ts <= ?", until.as_micros());
        }
        Ok(())
    }

    /// The first seq whose message can have the time `since` or later; None means the whole log.
    fn first_since(&self, stretches: &[Range<Seq>], since: Timestamp) -> Result<Option<Seq>, StoreError> {
        let mut end = self.legacy_head.next();
        for stretch in stretches {
            let first = self.first_at(stretch, |ts| ts >= since)?;
            if first < stretch.end {
                // Messages that 0.1.0 wrote can have any time.
                return Ok((first > self.legacy_head.next()).then_some(first));
            }
            end = stretch.end;
        }
        // No message has this time or a later one, except possibly those that 0.1.0 wrote.
        Ok((!stretches.is_empty() && self.legacy_head == Seq::ZERO).then_some(end))
    }

    /// The seq before which all messages with times up to `until` are; None means the whole log.
    fn end_until(&self, stretches: &[Range<Seq>], until: Timestamp) -> Result<Option<Seq>, StoreError> {
        for stretch in stretches.iter().rev() {
            let first_later = self.first_at(stretch, |ts| ts > until)?;
            if first_later > stretch.start {
                return Ok(Some(first_later));
            }
        }
        Ok((!stretches.is_empty()).then(|| self.legacy_head.next()))
    }

    /// The ranges after 0.1.0's part in which times rise: one, unless the clock was set back. Empty if there are so
    /// many that reading them all costs less.
    fn stretches(&self) -> Result<Vec<Range<Seq>>, StoreError> {
        let newest: Option<i64> = self.connection.query_row("SELECT max(seq) FROM messages", [], |row| row.get(0))?;
        let end = Seq::from_i64(newest.unwrap_or(0)).max(self.legacy_head).next();
        let mut statement = self.connection.prepare_cached("SELECT seq FROM clock_steps ORDER BY seq LIMIT ?1")?;
        let steps: Vec<Seq> =
            statement.query_map([STEPS_MAX + 1], |row| row.get(0).map(Seq::from_i64))?.collect::<Result<_, _>>()?;
        if steps.len() > STEPS_MAX as usize {
            return Ok(Vec::new());
        }
        let starts = std::iter::once(self.legacy_head.next()).chain(steps.iter().copied());
        let ends = steps.iter().copied().chain(std::iter::once(end));
        Ok(starts.zip(ends).map(|(start, end)| start..end).collect())
    }

    /// The first seq of a stretch whose time passes a test, or the stretch's end. All later times must pass too.
    fn first_at(&self, stretch: &Range<Seq>, passes: impl Fn(Timestamp) -> bool) -> Result<Seq, StoreError> {
        let (mut low, mut high) = (stretch.start.as_i64(), stretch.end.as_i64());
        let mut probe =
            self.connection.prepare_cached("SELECT seq, ts FROM messages WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
        while low < high {
            let middle = low + (high - low) / 2;
            let found = probe.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            match found.map(|(seq, ts): (i64, i64)| (seq, Timestamp::from_micros(ts))) {
                Some((seq, ts)) if seq < high && !passes(ts) => low = seq + 1,
                Some(_) | None => high = middle,
            }
        }
        Ok(Seq::from_i64(low))
    }
}

#[cfg(test)]
mod tests {
    use orochi_protocol::AgentName;

    use super::*;
    use crate::store::Store;

    /// A log of a thousand messages within ten seconds, and its reader.
    fn log(folder: &tempfile::TempDir) -> Reader {
        let path = folder.path().join("log.db");
        let (mut store, _) = Store::open(&path).unwrap();
        let mut batch = store.begin().unwrap();
        for n in 1..=1000_u32 {
            let message = Message {
                seq: Seq::new(n.into()).unwrap(),
                id: n.to_string(),
                ts: Timestamp::from_micros(i64::from(n) * 10_000),
                place: Place::parse(&format!("#c{}", n % 3)),
                sender: "alice".to_owned(),
                content: "some words".to_owned(),
                mentions: "[]".to_owned(),
                metadata: "{}".to_owned(),
                reply_to: Seq::new(u64::from(n) / 2).filter(|seq| *seq > Seq::ZERO),
                extra: None,
            };
            batch.append(&message, &[]).unwrap();
        }
        batch.commit().unwrap();
        store.close();
        Reader::open(&path, Seq::ZERO).unwrap()
    }

    fn plan(reader: &Reader, filter: &HistoryFilter) -> String {
        let (sql, values) = reader.history_sql(&Place::parse("#c1"), filter).unwrap();
        let mut statement = reader.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_page_of_history_costs_the_same_however_long_the_log_is() {
        let folder = tempfile::tempdir().unwrap();
        let reader = log(&folder);
        let time = |seconds: i64| Some(Timestamp::from_micros(seconds * 1_000_000));
        let seq = |n| Seq::new(n);
        let all = HistoryFilter::default;
        for filter in [
            all(),
            HistoryFilter { before: seq(500), ..all() },
            HistoryFilter { after: seq(500), ..all() },
            HistoryFilter { since: time(5), until: time(6), ..all() },
            HistoryFilter { since: time(99), ..all() },
            HistoryFilter { sender: Some(AgentName::parse("alice").unwrap()), before: seq(900), ..all() },
        ] {
            let plan = plan(&reader, &filter);
            assert!(
                plan.starts_with("SEARCH messages USING INDEX messages_by_channel (channel=?"),
                "{filter:?}: {plan}"
            );
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{filter:?}: {plan}");
        }
    }

    #[test]
    fn a_time_is_turned_into_a_place_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let reader = log(&folder);
        let filter = HistoryFilter { since: Some(Timestamp::from_micros(5_000_000)), ..HistoryFilter::default() };
        assert!(plan(&reader, &filter).contains("(channel=? AND seq>?)"), "{}", plan(&reader, &filter));
    }

    #[test]
    fn answers_are_found_by_their_own_index() {
        let folder = tempfile::tempdir().unwrap();
        let reader = log(&folder);
        let answers = plan(&reader, &HistoryFilter { reply_to: Seq::new(7), ..HistoryFilter::default() });
        assert!(
            answers.contains("USING INDEX messages_by_reply (reply_to=?") && !answers.contains("TEMP B-TREE"),
            "{answers}"
        );
    }
}
