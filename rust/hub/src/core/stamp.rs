//! The hub's clock and the frames that it makes itself.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::reply::{self, ErrorReply, Stamp};
use orochi_protocol::{HUB_SENDER, Refusal, Timestamp};
use serde::Serialize;
use uuid::Uuid;

/// Stamps what the hub accepts and sends. Its clock is read once a batch and never goes back, also when
/// the system's does: the log's order is the order of its times (the store's searches rely on it).
#[derive(Debug)]
pub struct Stamper {
    now: Timestamp,
    /// `now`, as it is written.
    written: String,
    frames: FrameIds,
}

impl Stamper {
    /// A clock that does not go behind the newest message's time.
    pub fn new(last: Timestamp) -> Self {
        Self { now: last, written: last.to_string(), frames: FrameIds::new() }
    }

    /// Reads the system's clock for the next batch.
    pub fn tick(&mut self) {
        self.tick_to(system_clock());
    }

    fn tick_to(&mut self, system: Timestamp) {
        if system > self.now {
            self.now = system;
            self.written = system.to_string();
        }
    }

    /// The batch's time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The batch's time, as it is written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// A frame from the hub.
    pub fn frame<T: Serialize>(&mut self, kind: &str, payload: &T) -> Utf8Bytes {
        self.frame_from(HUB_SENDER, kind, payload)
    }

    /// A frame in an agent's name.
    pub fn frame_from<T: Serialize>(&mut self, sender: &str, kind: &str, payload: &T) -> Utf8Bytes {
        let id = self.frames.next(self.now);
        reply::frame(kind, Stamp { sender, id: &id, ts: &self.written }, payload).into()
    }

    /// The refusal of the request `id`.
    pub fn error(&mut self, refusal: &Refusal, id: Option<&str>) -> Utf8Bytes {
        self.frame("error", &ErrorReply::new(refusal, id))
    }
}

/// Ids for frames that the hub makes: UUIDv7 with a random start and a counter (RFC 9562, section 6.2),
/// because asking the system for random bytes for every ack costs more than the ack.
#[derive(Debug)]
struct FrameIds {
    start: u64,
    count: u64,
}

impl FrameIds {
    fn new() -> Self {
        Self { start: Uuid::new_v4().as_u64_pair().1, count: 0 }
    }

    fn next(&mut self, now: Timestamp) -> String {
        self.count += 1;
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&self.start.to_be_bytes()[..2]);
        bytes[2..].copy_from_slice(&self.start.wrapping_add(self.count).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().to_string()
    }
}

/// The system's clock, which may go back.
pub fn system_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// A frame from the hub made outside the core thread, stamped with the system's clock.
pub fn stray_frame<T: Serialize>(kind: &str, payload: &T) -> Utf8Bytes {
    let (id, ts) = (Uuid::now_v7().to_string(), system_clock().to_string());
    reply::frame(kind, Stamp { sender: HUB_SENDER, id: &id, ts: &ts }, payload).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_does_not_set_the_log_back() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        // The newest message in the log is from a clock that was ahead.
        let mut stamper = Stamper::new(at(100));
        let mut times = Vec::new();
        for system in [90, 101, 40, 102] {
            stamper.tick_to(at(system));
            assert_eq!(stamper.written(), stamper.now().to_string());
            times.push(stamper.now());
        }
        assert_eq!(times, [at(100), at(101), at(101), at(102)]);
    }

    #[test]
    fn frame_ids_are_uuids_and_none_is_given_twice() {
        let mut ids = FrameIds::new();
        let made: std::collections::HashSet<String> = (0..1000).map(|_| ids.next(Timestamp::from_micros(7))).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|id| Uuid::try_parse(id).is_ok_and(|uuid| uuid.get_version_num() == 7)));
    }
}
