//! A message's position in the log.

use serde::{Deserialize, Serialize};

/// A position in the log (section 9, Durability). The first message has 1; 0 is the position before it.
///
/// The number is always within SQLite's signed range, so converting it for the store can't fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// The position before the first message.
    pub const ZERO: Seq = Seq(0);
    /// The largest position that the store can hold.
    pub const MAX: Seq = Seq(i64::MAX as u64);

    /// The position `n`; None if the store could not hold it.
    pub const fn new(n: u64) -> Option<Seq> {
        if n <= Seq::MAX.0 { Some(Seq(n)) } else { None }
    }

    /// The next position.
    #[must_use]
    pub const fn next(self) -> Seq {
        Seq(self.0 + 1)
    }

    /// The number on the wire.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number in the store.
    pub const fn as_i64(self) -> i64 {
        self.0 as i64
    }

    /// The position with the number `n` in the store. A negative number means the position before the first message.
    pub const fn from_i64(n: i64) -> Seq {
        if n < 0 { Seq::ZERO } else { Seq(n as u64) }
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let n = u64::deserialize(deserializer)?;
        Seq::new(n).ok_or_else(|| serde::de::Error::custom("a seq is at most 2^63 - 1"))
    }
}

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
