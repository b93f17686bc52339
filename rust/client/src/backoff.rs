//! The waits between connection attempts: a pure function of the attempt and a random number.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);

/// A connection that lasted this long was good: after the next loss the client reconnects at once.
const STEADY: Duration = LONGEST;

/// Counts the attempts since the last good connection.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempt: u32,
    /// The connection carried an answer or a message.
    has_carried: bool,
}

impl Backoff {
    /// Notes that the connection carried an answer or a message, so it was useful even if it is short.
    pub(crate) fn carried(&mut self) {
        self.has_carried = true;
    }

    /// Notes the end of a connection. A short one that carried nothing counts as a failed attempt, so that a hub that
    /// accepts and closes at once is not called ten times a second. On a line that breaks repeatedly, each useful
    /// connection shortens the next wait.
    pub(crate) fn connection_lasted(&mut self, lasted: Duration) {
        if lasted >= STEADY {
            self.attempt = 0;
        } else if self.has_carried {
            self.attempt /= 2;
        }
        self.has_carried = false;
    }

    /// The wait before the next attempt.
    pub(crate) fn next(&mut self) -> Duration {
        let wait = delay(self.attempt, chance());
        self.attempt = self.attempt.saturating_add(1);
        wait
    }
}

/// The wait before `attempt`, from 0, with `chance` from 0 to 1. It doubles each time up to a bound, and is random
/// within its upper half, so that a thousand agents of one hub don't reconnect at once.
fn delay(attempt: u32, chance: f64) -> Duration {
    let whole = FIRST.saturating_mul(2_u32.saturating_pow(attempt.min(16))).min(LONGEST);
    whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// A number from 0 to 1 that differs between clients.
fn chance() -> f64 {
    let (_, low) = uuid::Uuid::new_v4().as_u64_pair();
    (low >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_never_below_half_of_it() {
        assert_eq!(delay(0, 1.0), FIRST);
        assert_eq!(delay(1, 0.0), FIRST);
        assert_eq!(delay(40, 1.0), LONGEST);
        assert_eq!(delay(u32::MAX, 0.0), LONGEST / 2);
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&chance()));
        }
    }

    #[test]
    fn backoff_grows_over_short_connections_and_restarts_after_a_long_one() {
        let mut backoff = Backoff::default();
        let mut wait = Duration::ZERO;
        for _ in 0..12 {
            wait = backoff.next();
            backoff.connection_lasted(Duration::from_millis(20));
        }
        assert!(wait >= LONGEST / 2, "{wait:?}");
        backoff.connection_lasted(STEADY);
        assert!(backoff.next() <= FIRST);
    }

    #[test]
    fn backoff_stays_short_over_connections_that_carry_something() {
        let mut backoff = Backoff::default();
        for _ in 0..60 {
            assert!(backoff.next() <= FIRST * 4);
            backoff.carried();
            backoff.connection_lasted(Duration::from_millis(20));
        }
    }
}
