//! The source of the order. A hub proposes batches of entries. The log returns them in one order, each once, and every
//! hub applies them in it.
//!
//! - [`local`]: a single hub. The order is the order of its proposals.
//! - `sim`, for tests: several hubs in one process, with simulated faults between them.

mod local;
#[cfg(feature = "sim")]
pub mod sim;

use orochi_protocol::Timestamp;

pub(super) use local::Local;

use super::batch::Batch;
use crate::roster::HubId;

/// A closed set, which the core queries once a turn: a single hub needs no trait, no future and no second thread.
pub(super) enum Log {
    Local(Local),
    #[cfg(feature = "sim")]
    Sim(sim::Member),
}

impl Log {
    pub(super) fn hub(&self) -> HubId {
        match self {
            Log::Local(local) => local.hub(),
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.hub(),
        }
    }

    /// Proposes a batch at this time. Returns it if its position in the order is known at once; otherwise it comes with
    /// [`Log::committed`].
    pub(super) fn propose(&mut self, batch: Batch, now: Timestamp) -> Option<Batch> {
        match self {
            Log::Local(local) => Some(local.propose(batch, now)),
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.propose(batch),
        }
    }

    /// Returns the next batch of the order that [`Log::propose`] did not return: each once, without a gap.
    pub(super) fn committed(&mut self) -> Option<Batch> {
        match self {
            Log::Local(_) => None,
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.committed(),
        }
    }

    /// True if another batch may be proposed now.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Log::Local(_) => true,
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.has_room(),
        }
    }

    /// True if [`Log::committed`] has a batch, or will have one without a further proposal.
    pub(super) fn brings(&self) -> bool {
        match self {
            Log::Local(_) => false,
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.brings(),
        }
    }

    /// True if this hub no longer takes part in the log.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Log::Local(_) => false,
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.is_killed(),
        }
    }
}
