//! The ability to wake a session, and the wake that is under way.

use crate::Millis;

/// The state of waking one session.
#[derive(Debug, Default)]
pub(super) struct Waking {
    /// True if there is an adapter.
    pub(super) is_possible: bool,
    /// True if a person declined (`--no-wake`, `OROCHI_WAKE=off`): no message may start or continue a turn.
    pub(super) is_declined: bool,
    /// True if the last wake did not arrive. No wake is tried until the session's next prompt.
    pub(super) is_lost: bool,
    pub(super) posted: Option<Posted>,
}

/// A wake that no hook has proved to have arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posted {
    pub(super) at: Millis,
    pub(super) is_second: bool,
}

impl Waking {
    pub(super) fn forget(&mut self) {
        (self.posted, self.is_lost) = (None, false);
    }

    pub(super) fn is_off(&self) -> bool {
        self.is_declined
    }
}
