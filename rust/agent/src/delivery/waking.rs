//! Whether a session can be woken, and the wake that is under way.

use crate::Millis;

/// How an agent's session is woken, and whether that works.
#[derive(Debug, Default)]
pub(super) struct Waking {
    /// There is an adapter, and nobody declined.
    pub(super) is_possible: bool,
    /// A person's word (`--no-wake`, `OROCHI_WAKE=off`): nothing may start or prolong a turn.
    pub(super) is_declined: bool,
    /// The last wake was not heard of; none is tried until the session gives a sign.
    pub(super) is_lost: bool,
    pub(super) posted: Option<Posted>,
}

/// A wake that no hook has shown to have arrived.
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
