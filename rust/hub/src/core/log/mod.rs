//! Where the order of things comes from. A hub proposes batches of entries; the log gives them back in the one order,
//! each once, and every hub applies them in it.
//!
//! - [`local`]: a hub alone. Its order is the one in which it asks.
//! - `sim`, for tests: several hubs in one process, with all that can go wrong between them.

mod local;
#[cfg(feature = "sim")]
pub mod sim;

use orochi_protocol::Timestamp;

pub(super) use local::Local;

use super::batch::Batch;
use crate::roster::HubId;

/// The set is closed, and the core asks it once a turn: no trait, no future, no second thread for a hub alone.
pub(super) enum Log {
    Local(Local),
    #[cfg(feature = "sim")]
    Sim(sim::Member),
}

impl Log {
    /// The number of this hub.
    pub(super) fn hub(&self) -> HubId {
        match self {
            Log::Local(local) => local.hub(),
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.hub(),
        }
    }

    /// Proposes a batch at this time. Gives it back where it has its place in the order already; else it comes with
    /// [`Log::committed`].
    pub(super) fn propose(&mut self, batch: Batch, now: Timestamp) -> Option<Batch> {
        match self {
            Log::Local(local) => Some(local.propose(batch, now)),
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.propose(batch),
        }
    }

    /// The next batch of the order that is not given back by [`Log::propose`]: each once, without a gap.
    pub(super) fn committed(&mut self) -> Option<Batch> {
        match self {
            Log::Local(_) => None,
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.committed(),
        }
    }

    /// Whether another batch may be proposed now.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Log::Local(_) => true,
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.has_room(),
        }
    }

    /// Whether [`Log::committed`] has a batch, or will have one without being asked for anything.
    pub(super) fn brings(&self) -> bool {
        match self {
            Log::Local(_) => false,
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.brings(),
        }
    }

    /// Whether this hub has no part in the log any more.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Log::Local(_) => false,
            #[cfg(feature = "sim")]
            Log::Sim(member) => member.is_killed(),
        }
    }
}
