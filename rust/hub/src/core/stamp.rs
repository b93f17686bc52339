//! The hub's clock, and the frames that the hub itself creates.

use std::time::{Duration, Instant};

use orochi_protocol::reply::{self, ErrorReply, MessageAck, Stamp};
use orochi_protocol::{HUB_SENDER, Refusal, Timestamp};
use serde::Serialize;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::command::Acceptance;
use crate::clock::{new_id, system_clock};
use crate::frame::Frame;

/// The hub waits for a clock that is set back by no more than this. Clocks are corrected by seconds all the time, and
/// this way the log's times rise with its seqs. A clock that is set back further is followed.
const HELD_MAX: Duration = Duration::from_secs(10);
/// The smallest step of the clock that is logged: more than time servers correct.
const TOLD_MIN: Duration = Duration::from_secs(60);

/// Stamps accepted messages and the hub's own frames. The clock is read once a turn. Only the seq carries the log's
/// order; times follow the system's clock, even if it was ahead for a while.
#[derive(Debug)]
pub(super) struct Stamper {
    now: Timestamp,
    /// The last reading of the system's clock, and of one that is never set.
    looked: Option<(Timestamp, Instant)>,
    /// `now` as text.
    written: String,
    /// The last formatted time of an earlier batch, with its text.
    earlier: (Timestamp, String),
    frames: FrameIds,
}

impl Stamper {
    /// A clock that continues from the newest message's time.
    pub(super) fn new(last: Timestamp) -> Self {
        let written = last.to_string();
        Self { now: last, looked: None, earlier: (last, written.clone()), written, frames: FrameIds::new() }
    }

    /// Reads the system's clock.
    pub(super) fn tick(&mut self) {
        self.tick_to(system_clock(), Instant::now());
    }

    fn tick_to(&mut self, system: Timestamp, at: Instant) {
        self.tell_step(system, at);
        let behind = self.now.as_micros() - system.as_micros();
        if behind < 0 || behind > micros(HELD_MAX) {
            self.now = system;
            self.written = system.to_string();
        }
    }

    /// Logs a step of the system's clock.
    fn tell_step(&mut self, system: Timestamp, at: Instant) {
        match self.looked.replace((system, at)) {
            Some((before, then)) => {
                let passed = micros(at.saturating_duration_since(then));
                let step = system.as_micros() - before.as_micros() - passed;
                if step.abs() > micros(TOLD_MIN) {
                    tracing::warn!("the system's clock was set {}: from {before} to {system}", shown(step));
                }
            }
            None if self.now.as_micros() - system.as_micros() > micros(HELD_MAX) => tracing::warn!(
                "the system's clock ({system}) is behind the log's newest message ({}): times follow the clock again",
                self.now
            ),
            None => {}
        }
    }

    /// The time of this turn.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns a message's time as text.
    pub(super) fn written_of(&mut self, ts: Timestamp) -> &str {
        if ts == self.now {
            return &self.written;
        }
        if ts != self.earlier.0 {
            self.earlier = (ts, ts.to_string());
        }
        &self.earlier.1
    }

    /// Creates the ack of a message.
    pub(super) fn message_ack(&mut self, acceptance: &Acceptance<'_>) -> Frame {
        let Acceptance { seq, id: r#ref, ts, delivery, reach, duplicate } = acceptance;
        let (seq, duplicate) = (*seq, *duplicate);
        self.written_of(*ts);
        let ts = if *ts == self.now { &self.written } else { &self.earlier.1 };
        let mut id = Uuid::encode_buffer();
        let id = self.frames.next(self.now).encode_lower(&mut id);
        let stamp = Stamp { sender: HUB_SENDER, id, ts: &self.written };
        MessageAck { r#ref, seq, ts, delivery, reach, duplicate }.to_frame(stamp).into()
    }

    /// Creates a frame from the hub.
    pub(super) fn frame<T: Serialize>(&mut self, kind: &str, payload: &T) -> Frame {
        self.frame_from(HUB_SENDER, kind, payload)
    }

    /// Creates a frame in an agent's name.
    pub(super) fn frame_from<T: Serialize>(&mut self, sender: &str, kind: &str, payload: &T) -> Frame {
        let mut id = Uuid::encode_buffer();
        let id = self.frames.next(self.now).encode_lower(&mut id);
        reply::frame(kind, Stamp { sender, id, ts: &self.written }, payload).into()
    }

    /// Creates the refusal of the request `id`.
    pub(super) fn error(&mut self, refusal: &Refusal, id: Option<&str>) -> Frame {
        self.frame("error", &ErrorReply::new(refusal, id))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn shown(step: i64) -> String {
    let seconds = step.unsigned_abs() / 1_000_000;
    let way = if step < 0 { "back" } else { "ahead" };
    match seconds {
        0..7200 => format!("{seconds} s {way}"),
        7200..172_800 => format!("{} h {way}", seconds / 3600),
        _ => format!("{} days {way}", seconds / 86_400),
    }
}

/// Ids for the hub's own frames: UUIDv7 with a random start and a counter (RFC 9562, section 6.2). Requesting random
/// bytes from the system for every ack would cost more than the ack.
#[derive(Debug)]
struct FrameIds {
    start: u64,
    count: u64,
}

impl FrameIds {
    fn new() -> Self {
        Self { start: Uuid::new_v4().as_u64_pair().1, count: 0 }
    }

    fn next(&mut self, now: Timestamp) -> Hyphenated {
        self.count += 1;
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&self.start.to_be_bytes()[..2]);
        bytes[2..].copy_from_slice(&self.start.wrapping_add(self.count).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().hyphenated()
    }
}

/// Creates a frame from the hub outside the core thread, stamped with the system's clock.
pub(crate) fn stray_frame<T: Serialize>(kind: &str, payload: &T) -> Frame {
    let (id, ts) = (new_id(), system_clock().to_string());
    reply::frame(kind, Stamp { sender: HUB_SENDER, id: &id, ts: &ts }, payload).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_set_back_by_seconds_is_waited_for_and_by_more_is_followed() {
        const YEAR: i64 = 400 * 86_400;
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        // The newest message in the log is from a clock that was a little ahead.
        let mut stamper = Stamper::new(at(100));
        let mut times = Vec::new();
        for system in [95, 101, 91, 102, 102 + YEAR, 103, 104, 0, 1] {
            stamper.tick_to(at(system), Instant::now());
            let now = stamper.now();
            assert_eq!(stamper.written_of(now), now.to_string());
            times.push(stamper.now());
        }
        assert_eq!(times, [100, 101, 101, 102, 102 + YEAR, 103, 104, 0, 1].map(at));
        // The same holds after a restart.
        let mut stamper = Stamper::new(at(YEAR));
        stamper.tick_to(at(104), Instant::now());
        assert_eq!(stamper.now(), at(104));
    }

    #[test]
    fn clock_at_either_end_of_time_makes_frames() {
        for micros in [i64::MIN, -1, 0, i64::MAX] {
            let mut stamper = Stamper::new(Timestamp::from_micros(0));
            stamper.tick_to(Timestamp::from_micros(micros), Instant::now());
            assert!(stamper.frame("ack", &()).contains("+00:00"));
        }
    }

    #[test]
    fn frame_ids_are_uuids_and_none_is_given_twice() {
        let mut ids = FrameIds::new();
        let made: std::collections::HashSet<String> =
            (0..1000).map(|_| ids.next(Timestamp::from_micros(7)).to_string()).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|id| Uuid::try_parse(id).is_ok_and(|uuid| uuid.get_version_num() == 7)));
    }
}
