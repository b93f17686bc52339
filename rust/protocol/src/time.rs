//! Times on the wire (sections 1 and 5): microseconds since 1970, UTC.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// A time in microseconds since 1970-01-01T00:00:00Z. It is written as RFC 3339 with microseconds and `+00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `micros` after the epoch, limited to the years that RFC 3339 can express.
    pub fn from_micros(micros: i64) -> Self {
        // These are 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z.
        Self(micros.clamp(-62_167_219_200_000_000, 253_402_300_799_999_999))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 with any offset or `Z`, or a date, which means its first instant in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::from_micros(time.timestamp_micros()));
        }
        parse_date(text).map(Self::from_micros)
    }

    /// Does the same for the end of a range: a date means its last microsecond.
    pub fn parse_end(text: &str) -> Option<Self> {
        match parse_date(text) {
            Some(begin) => Some(Self::from_micros(begin + DAY_MICROS - 1)),
            None => Self::parse(text),
        }
    }
}

/// The first microsecond of a date such as 2026-01-15, UTC.
fn parse_date(text: &str) -> Option<i64> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = DateTime::<Utc>::from_timestamp_micros(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Micros, false))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_is_read_with_any_offset_and_written_in_utc() {
        for (text, written) in [
            ("2026-01-15T10:30:00.123456+00:00", "2026-01-15T10:30:00.123456+00:00"),
            ("2026-01-15T10:30:00Z", "2026-01-15T10:30:00.000000+00:00"),
            ("2026-01-15T10:30:00.1+09:00", "2026-01-15T01:30:00.100000+00:00"),
            ("2026-01-15", "2026-01-15T00:00:00.000000+00:00"),
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn the_end_of_a_range_is_the_last_moment_of_a_bare_date() {
        for (text, written) in [
            ("2026-01-15", "2026-01-15T23:59:59.999999+00:00"),
            ("9999-12-31", "9999-12-31T23:59:59.999999+00:00"),
            ("2026-01-15T10:30:00Z", "2026-01-15T10:30:00.000000+00:00"),
        ] {
            assert_eq!(Timestamp::parse_end(text).unwrap().to_string(), written);
        }
        assert_eq!(Timestamp::parse_end("2026-1-15"), None);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2026-01-15T10:30:00", "2026-13-01", "2026-1-5", "1768473000", "2026-01-15T10"] {
            assert_eq!(Timestamp::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn writing_and_reading_is_identity(micros in any::<i64>()) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }

        #[test]
        fn reading_never_panics(text in ".{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }
}
