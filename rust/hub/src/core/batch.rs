//! The entries that share one commit, and the requests that came with them, on their way through the steps: proposed to
//! the log, applied to the roster and to the file, finished.

use orochi_protocol::{Seq, Timestamp};

use super::ask::{Ask, Asker};
use super::entry::Entry;
use super::outcome::Outcome;
use crate::roster::{AgentIndex, Due, HubId};
use crate::store::{Age, StoreError};

/// Requests of one batch: enough that a commit, and a write to each socket, are shared by many.
const REQUESTS_MAX: usize = 2048;
/// Bytes of their texts. A batch of large messages is committed earlier, so that those behind it do not wait long.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Entries in their order, and what each step found out for the next one.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// Set by the log.
    pub(super) order: Order,
    /// What became of each entry that has been applied.
    pub(super) outcomes: Vec<Outcome>,
    /// This hub's requests. A batch of another hub has none.
    pub(super) asks: Vec<Ask>,
    /// About how many bytes their texts have.
    bytes: usize,
    /// Whether one of the entries changes what is on disk.
    is_lasting: bool,
    /// Whether one of the requests needs the store in another way.
    needs_store: bool,
    /// The agents' records that go with it.
    pub(super) due: Vec<Due>,
    /// Agents whose records are on disk now, and their cursors.
    pub(super) saved: Vec<(AgentIndex, Option<Seq>)>,
    /// Set where the disk refused; then none of its messages is in the log.
    pub(super) refused: Option<StoreError>,
}

/// What the log says of a batch; the same on every hub.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// When it was proposed.
    pub(super) ts: Timestamp,
    /// How old rows may be.
    pub(super) age: Age,
    /// Where it is among the batches of all, where several hubs share the log.
    pub(super) numbered: Option<Numbered>,
}

/// The place of a batch in a shared log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbered {
    /// The hub that proposed it.
    pub(super) hub: HubId,
    /// How many batches there are up to this one.
    pub(super) place: u64,
    /// Its number among those of its hub.
    pub(super) n: u64,
}

impl Default for Order {
    fn default() -> Self {
        Self { ts: Timestamp::from_micros(0), age: Age::default(), numbered: None }
    }
}

impl Batch {
    /// A batch of a log that several hubs share, with this hub's requests where it is its own. Each is on disk before
    /// the next one is applied, whatever is in it.
    #[cfg(feature = "sim")]
    pub(super) fn committed(entries: Vec<Entry>, order: Order, asks: Vec<Ask>) -> Self {
        let needs_store = asks.iter().any(Ask::needs_store);
        Self { entries, order, asks, is_lasting: true, needs_store, ..Self::default() }
    }

    /// Adds an entry, and who waits for what becomes of it.
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

    /// How many more requests it takes; none where their texts are enough.
    pub(super) fn room(&self) -> usize {
        if self.bytes >= BYTES_MAX { 0 } else { REQUESTS_MAX.saturating_sub(self.asks.len()) }
    }

    /// Leaves out the entries, which do not count.
    pub(super) fn pass_over(&mut self) {
        self.entries.clear();
        self.is_lasting = false;
    }

    /// Forgets everything but the space.
    pub(super) fn cleared(mut self) -> Self {
        self.entries.clear();
        self.outcomes.clear();
        self.asks.clear();
        let Self { entries, outcomes, asks, .. } = self;
        Self { entries, outcomes, asks, ..Self::default() }
    }
}
