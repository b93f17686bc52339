//! The entries that share one commit, on their way through the three steps: ordered, made durable, finished.

use orochi_protocol::{Seq, Timestamp};

use super::entry::Entry;
use crate::registry::AgentIndex;
use crate::registry::roster::Due;
use crate::store::StoreError;

/// Entries of one batch: enough that a commit, and a write to each socket, are shared by many.
const ENTRIES_MAX: usize = 2048;
/// Bytes of their texts. A batch of large messages is committed earlier, so that those behind it do not wait long.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Entries in their order, and what each step found out for the next one.
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// About how many bytes their texts have.
    bytes: usize,
    /// Whether one of them changes what is on disk.
    is_lasting: bool,
    /// Whether one of them needs the store in another way.
    needs_store: bool,
    /// The time at which it was handed to the disk.
    pub(super) now: Timestamp,
    /// The agents' records that go with it.
    pub(super) due: Vec<Due>,
    /// Agents whose records are on disk now, and their cursors.
    pub(super) saved: Vec<(AgentIndex, Option<Seq>)>,
    /// Set where the disk refused; then none of its messages is in the log.
    pub(super) refused: Option<StoreError>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            bytes: 0,
            is_lasting: false,
            needs_store: false,
            now: Timestamp::from_micros(0),
            due: Vec::new(),
            saved: Vec::new(),
            refused: None,
        }
    }
}

impl Batch {
    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.is_lasting |= entry.is_lasting();
        self.needs_store |= entry.needs_store();
        self.entries.push(entry);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn is_lasting(&self) -> bool {
        self.is_lasting
    }

    pub(super) fn needs_store(&self) -> bool {
        self.is_lasting || self.needs_store
    }

    /// How many more entries it takes; none where their texts are enough.
    pub(super) fn room(&self) -> usize {
        if self.bytes >= BYTES_MAX { 0 } else { ENTRIES_MAX.saturating_sub(self.entries.len()) }
    }

    /// Forgets everything but the space.
    pub(super) fn cleared(mut self) -> Self {
        self.entries.clear();
        Self { entries: self.entries, ..Self::default() }
    }
}
