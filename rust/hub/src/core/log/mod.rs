//! Where the order of things comes from. A hub proposes batches of entries; the log gives them back in the one order,
//! each once, and every hub applies them in it.
//!
//! - [`local`]: a hub alone. Its order is the one in which it asks.

mod local;

use orochi_protocol::Timestamp;

pub(super) use local::Local;

use super::batch::Batch;
use crate::roster::HubId;

/// The set is closed, and the core asks it once a turn: no trait, no future, no second thread for a hub alone.
pub(super) enum Log {
    Local(Local),
}

impl Log {
    /// The number of this hub.
    pub(super) fn hub(&self) -> HubId {
        match self {
            Log::Local(local) => local.hub(),
        }
    }

    /// Proposes a batch at this time. Gives it back where it has its place in the order already; else it comes with
    /// [`Log::committed`].
    pub(super) fn propose(&mut self, batch: Batch, now: Timestamp) -> Option<Batch> {
        match self {
            Log::Local(local) => Some(local.propose(batch, now)),
        }
    }
}
