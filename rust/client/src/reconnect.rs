//! Decides after a lost connection or a failed attempt to connect: another attempt after a wait, or the end. The rules
//! are pure: the task that connects passes the time and a random number.

use std::time::Duration;

use orochi_protocol::ErrorCode;

use crate::error::Error;

/// Decides whether and when the client connects again. [`Backoff`] is the default.
pub trait Reconnect: Send {
    /// Decides what follows `failure`. `chance`, from 0 to 1, is random, so that waits can differ between clients.
    fn next(&mut self, failure: Failure<'_>, chance: f64) -> Next;
}

/// The reason why the client has no connection.
#[derive(Debug, Clone, Copy)]
pub enum Failure<'a> {
    /// A registered connection was lost.
    Lost {
        /// The time since its register.
        lasted: Duration,
        /// It carried an answer or a message, so it was useful even if it was short.
        has_carried: bool,
    },
    /// An attempt failed, or the hub refused the register.
    Attempt(&'a Error),
    /// The hub's log is an older copy, because a backup was restored. The next register names no position in it.
    OlderLog,
}

/// The client's next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Connect again after this wait.
    After(Duration),
    /// Close the client.
    GiveUp,
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);

/// A connection that lasted this long was good: after the next loss the client reconnects at once.
const STEADY: Duration = LONGEST;

/// The longest wait that a hub can request before the next attempt.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Connects again until the hub refuses for good, with waits that grow from 0.1 s to 15 s.
#[derive(Debug, Default)]
pub struct Backoff {
    /// The attempts since the last good connection.
    attempt: u32,
}

impl Reconnect for Backoff {
    /// A short connection that carried nothing counts as a failed attempt, so that a hub that accepts and closes at
    /// once is not called ten times a second. On a line that breaks repeatedly, each useful connection shortens the
    /// next wait. A hub can request a longer wait.
    fn next(&mut self, failure: Failure<'_>, chance: f64) -> Next {
        let mut wait_min = Duration::ZERO;
        match failure {
            Failure::Lost { lasted, .. } if lasted >= STEADY => self.attempt = 0,
            Failure::Lost { has_carried: true, .. } => self.attempt /= 2,
            Failure::Lost { .. } | Failure::OlderLog => {}
            Failure::Attempt(error) if is_final(error) => return Next::GiveUp,
            Failure::Attempt(error) => wait_min = error.retry_after().unwrap_or_default().min(RETRY_AFTER_MAX),
        }
        let wait = delay(self.attempt, chance);
        self.attempt = self.attempt.saturating_add(1);
        Next::After(wait.max(wait_min))
    }
}

/// Never connects again.
#[derive(Debug, Clone, Copy)]
pub struct Never;

impl Reconnect for Never {
    fn next(&mut self, _failure: Failure<'_>, _chance: f64) -> Next {
        Next::GiveUp
    }
}

/// The wait before `attempt`, from 0, with `chance` from 0 to 1. It doubles each time up to a bound, and is random
/// within its upper half, so that a thousand agents of one hub don't reconnect at once.
fn delay(attempt: u32, chance: f64) -> Duration {
    let whole = FIRST.saturating_mul(2_u32.saturating_pow(attempt.min(16))).min(LONGEST);
    whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// Returns whether another attempt can't help.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Refused { code, retry_after, .. } => retry_after.is_none() && *code != ErrorCode::NameInUse,
        Error::AuthFailed { .. } | Error::Invalid(_) | Error::OldHub { .. } | Error::Closed => true,
        Error::Unreachable { .. } | Error::ConnectionLost { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a connection too short to be good.
    const BROKEN: Failure<'static> = Failure::Lost { lasted: Duration::from_millis(20), has_carried: false };

    fn wait(backoff: &mut Backoff, failure: Failure<'_>) -> Duration {
        match backoff.next(failure, 1.0) {
            Next::After(wait) => wait,
            Next::GiveUp => panic!("{failure:?} is not final"),
        }
    }

    fn unreachable() -> Error {
        Error::Unreachable { url: "ws://hub".to_owned(), reason: "connection refused".to_owned() }
    }

    fn refused(code: ErrorCode, retry_after: Option<f64>) -> Error {
        Error::Refused { code: code.into(), detail: "no".to_owned(), retry_after, status: None }
    }

    #[test]
    fn waits_grow_to_a_bound_and_never_below_half_of_it() {
        assert_eq!(delay(0, 1.0), FIRST);
        assert_eq!(delay(1, 0.0), FIRST);
        assert_eq!(delay(40, 1.0), LONGEST);
        assert_eq!(delay(u32::MAX, 0.0), LONGEST / 2);
    }

    #[test]
    fn backoff_grows_over_short_connections_and_restarts_after_a_long_one() {
        let mut backoff = Backoff::default();
        for _ in 0..12 {
            wait(&mut backoff, BROKEN);
        }
        assert_eq!(wait(&mut backoff, BROKEN), LONGEST);
        assert_eq!(wait(&mut backoff, Failure::Lost { lasted: STEADY, has_carried: false }), FIRST);
    }

    #[test]
    fn backoff_stays_short_over_connections_that_carry_something() {
        let mut backoff = Backoff::default();
        for _ in 0..60 {
            let useful = Failure::Lost { lasted: Duration::from_millis(20), has_carried: true };
            assert!(wait(&mut backoff, useful) <= FIRST * 4);
        }
    }

    #[test]
    fn backoff_waits_as_long_as_the_hub_requests_up_to_a_minute() {
        let stopping = |seconds| refused(ErrorCode::ShuttingDown, Some(seconds));
        for (seconds, expected) in [(2.5, 2.5), (0.0, 0.1), (3600.0, 60.0), (f64::NAN, 0.1), (-1.0, 0.1)] {
            let waited = wait(&mut Backoff::default(), Failure::Attempt(&stopping(seconds)));
            assert_eq!(waited, Duration::from_secs_f64(expected), "{seconds}");
        }
    }

    #[test]
    fn backoff_gives_up_where_another_attempt_cannot_help() {
        let refused_token = Error::AuthFailed { url: "ws://hub".to_owned() };
        for error in [refused_token, refused(ErrorCode::InvalidName, None), Error::OldHub { what: "x" }, Error::Closed]
        {
            assert_eq!(Backoff::default().next(Failure::Attempt(&error), 0.5), Next::GiveUp, "{error}");
        }
        for error in
            [unreachable(), refused(ErrorCode::NameInUse, None), refused(ErrorCode::StoreUnavailable, Some(1.0))]
        {
            wait(&mut Backoff::default(), Failure::Attempt(&error));
        }
        wait(&mut Backoff::default(), Failure::OlderLog);
    }

    #[test]
    fn never_gives_up_on_the_first_loss() {
        assert_eq!(Never.next(BROKEN, 0.5), Next::GiveUp);
    }
}
