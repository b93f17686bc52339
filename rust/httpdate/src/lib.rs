//! The dates of HTTP (RFC 9110, section 5.6.7), for hyper.
//!
//! It takes the place of the crate of that name on crates.io (`[patch.crates-io]` in the root `Cargo.toml`), which
//! panics when the system's clock is before 1970 or after 9999. hyper reads the clock at each step of each connection,
//! so a hub with such a clock would answer nobody. Here the date is held within those years. There is the one type that
//! hyper uses.

use std::fmt::{self, Display, Formatter};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

/// 31 December 9999, 23:59:59: the last date with four digits for the year.
const LAST_SECOND: i64 = 253_402_300_799;

/// A date of HTTP, in seconds. It is written in 29 characters, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate(DateTime<Utc>);

impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let seconds = i64::try_from(seconds).unwrap_or(LAST_SECOND).min(LAST_SECOND);
        Self(DateTime::from_timestamp(seconds, 0).unwrap_or_default())
    }
}

impl Display for HttpDate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%a, %d %b %Y %H:%M:%S GMT"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn date_is_written_as_http_has_it_and_held_within_its_years() {
        let after = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
        for (time, expected) in [
            (after(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT"),
            (after(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT"),
            (UNIX_EPOCH, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (UNIX_EPOCH - Duration::from_secs(1), "Thu, 01 Jan 1970 00:00:00 GMT"),
            (UNIX_EPOCH - Duration::from_secs(80 * 365 * 86_400), "Thu, 01 Jan 1970 00:00:00 GMT"),
            (after(253_402_300_799), "Fri, 31 Dec 9999 23:59:59 GMT"),
            (after(253_402_300_800), "Fri, 31 Dec 9999 23:59:59 GMT"),
            (after(9_000_000_000_000), "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(HttpDate::from(time).to_string(), expected);
        }
    }
}
