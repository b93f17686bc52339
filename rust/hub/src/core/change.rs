//! The part of an entry that is the same on every hub: how it changes the roster and the file. It reads no clock, no
//! setting, no random number and no unordered map, and knows no connection and no requester. The other part is in
//! [`super::finish`].

use orochi_protocol::request::EventKind;
use orochi_protocol::{AgentName, Seq, Timestamp};

use super::outcome::{Event, Outcome};
use super::resume::Extent;
use crate::frame::Frame;
use crate::roster::{Agent, AgentIndex, Roster};
use crate::store::{Batch, StoreError};

/// A kind of entry. The kind alone decides if it needs the disk, and if its answer promises that it is there.
pub(super) trait Change {
    /// The approximate size of its texts.
    fn bytes(&self) -> usize {
        0
    }

    /// True if it changes the disk. Otherwise it waits for the next entry that does.
    fn is_lasting(&self) -> bool {
        true
    }

    /// True if its answer promises that it is on disk. Agents can connect, leave and report their status while the disk
    /// refuses: their records stay due.
    fn is_promised(&self) -> bool;

    /// The first half: changes the roster. Results that need the batch's own seqs are left open.
    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome;

    /// The second half: writes the rest, apart from agents' records, and decides an outcome that was left open.
    ///
    /// # Errors
    /// The disk refuses; then nothing of the batch is written.
    fn write(&mut self, _outcome: &mut Outcome, _to: &mut Transaction<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Encodes the event about an agent that has just changed.
pub(super) type Tell<'a> = &'a mut dyn FnMut(EventKind, &Agent) -> Frame;

/// The state to which the entries of a batch are applied.
pub(super) struct Applying<'a> {
    pub(super) roster: &'a mut Roster,
    pub(super) log: Extent<'a>,
    /// The time of the batch.
    pub(super) ts: Timestamp,
    pub(super) tell: Tell<'a>,
}

/// The file, while a batch is written to it.
pub(super) struct Transaction<'a> {
    pub(super) file: Batch<'a>,
    /// The time of the batch.
    pub(super) ts: Timestamp,
    /// The newest message so far.
    pub(super) newest: Seq,
    /// True if several hubs share the log.
    pub(super) is_shared: bool,
}

impl Applying<'_> {
    /// Returns the agent of this name, added if it never registered.
    pub(super) fn named(&mut self, name: &AgentName) -> AgentIndex {
        self.roster.find_or_add(name, self.log.committed, self.ts)
    }

    /// Creates the event about an agent that has just changed.
    pub(super) fn event(&mut self, kind: EventKind, agent: AgentIndex) -> Event {
        Event { agent, kind, frame: (self.tell)(kind, self.roster.agent(agent)) }
    }
}
