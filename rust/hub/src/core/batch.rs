//! The entries that share one commit, with their requests, on the way through the steps: proposed to the log, applied
//! to the roster and the file, finished.

use orochi_protocol::{Seq, Timestamp};

use super::ask::{Ask, Asker};
use super::entry::Entry;
use super::outcome::Outcome;
use crate::roster::{AgentIndex, Due, HubId};
use crate::store::{Age, StoreError};

/// Requests in one batch: enough that many share a commit and a write to each socket.
const REQUESTS_MAX: usize = 2048;
/// Bytes of their texts. A batch of large messages is committed earlier, so that later requests do not wait long.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Entries in order, and the results that one step leaves for the next.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// Set by the log.
    pub(super) order: Order,
    /// The outcome of each applied entry.
    pub(super) outcomes: Vec<Outcome>,
    /// This hub's requests; empty in a batch of another hub.
    pub(super) asks: Vec<Ask>,
    /// The approximate size of their texts.
    bytes: usize,
    /// True if an entry changes the disk.
    is_lasting: bool,
    /// True if a request uses the store outside the transaction.
    needs_store: bool,
    /// The agents' records to write with this batch.
    pub(super) due: Vec<Due>,
    /// The agents whose records this batch wrote, and their cursors.
    pub(super) saved: Vec<(AgentIndex, Option<Seq>)>,
    /// The error of a refused commit; then none of its messages is in the log.
    pub(super) refused: Option<StoreError>,
}

/// The log's part of a batch; the same on every hub.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// The time of the proposal.
    pub(super) ts: Timestamp,
    /// The age beyond which old rows may be deleted.
    pub(super) age: Age,
    /// Set if several hubs share the log.
    pub(super) numbered: Option<Numbered>,
}

/// The position of a batch in a shared log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbered {
    /// The hub that proposed it.
    pub(super) hub: HubId,
    /// The number of batches up to and with this one.
    pub(super) position: u64,
    /// Its number among the batches of its hub.
    pub(super) n: u64,
}

impl Default for Order {
    fn default() -> Self {
        Self { ts: Timestamp::from_micros(0), age: Age::default(), numbered: None }
    }
}

impl Batch {
    /// A batch of a shared log; `asks` has this hub's requests if the batch is its own. Each batch is written before
    /// the next one is applied, whatever it contains.
    #[cfg(feature = "sim")]
    pub(super) fn committed(entries: Vec<Entry>, order: Order, asks: Vec<Ask>) -> Self {
        let needs_store = asks.iter().any(Ask::needs_store);
        Self { entries, order, asks, is_lasting: true, needs_store, ..Self::default() }
    }

    /// Adds an entry and its requester.
    pub(super) fn propose(&mut self, entry: Entry, asker: Asker) {
        self.bytes += entry.bytes();
        self.is_lasting |= entry.is_lasting();
        self.entries.push(entry);
        self.asks.push(Ask::Entry(asker));
    }

    /// Adds a request that changes nothing lasting.
    pub(super) fn ask(&mut self, ask: Ask) {
        self.bytes += ask.bytes();
        self.needs_store |= ask.needs_store();
        self.asks.push(ask);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.asks.is_empty()
    }

    pub(super) fn is_lasting(&self) -> bool {
        self.is_lasting
    }

    pub(super) fn needs_store(&self) -> bool {
        self.is_lasting || self.needs_store
    }

    /// The number of further requests that fit; none once the texts reach [`BYTES_MAX`].
    pub(super) fn room(&self) -> usize {
        if self.bytes >= BYTES_MAX { 0 } else { REQUESTS_MAX.saturating_sub(self.asks.len()) }
    }

    /// Drops the entries of a batch that does not count.
    pub(super) fn pass_over(&mut self) {
        self.entries.clear();
        self.is_lasting = false;
    }

    /// Empties the batch and keeps its allocations.
    pub(super) fn cleared(mut self) -> Self {
        self.entries.clear();
        self.outcomes.clear();
        self.asks.clear();
        let Self { entries, outcomes, asks, .. } = self;
        Self { entries, outcomes, asks, ..Self::default() }
    }
}
