//! Applies a batch: first to the roster, in the order of the entries, then to the file, in one transaction. The result
//! depends on the roster, the file and the batch alone: no clock, no setting, no random number, and no order of a hash
//! map. The same batches make the same roster and the same file on every hub.
//!
//! [`apply`] is both halves. The core calls them one by one, because the second may run on another thread
//! ([`super::writer`]). A batch is applied to the roster once the previous one is on disk.
//!
//! This step answers no request and changes no connection. [`super::requests`] has each kind of entry.

use super::batch::Batch;
use super::change::{Applying, Tell};
use super::durable::Durable;
use super::resume::Extent;
use crate::roster::Roster;

/// The first half: the roster. Results that need the batch's own seqs are left to the second half, which assigns them.
pub(super) fn apply_to_roster(batch: &mut Batch, roster: &mut Roster, log: Extent<'_>, tell: Tell<'_>) {
    let mut to = Applying { roster: &mut *roster, log, ts: batch.order.ts, tell };
    for entry in &mut batch.entries {
        batch.outcomes.push(entry.apply(&mut to));
    }
    if batch.is_lasting() {
        batch.due = roster.take_due();
    }
}

/// Both halves, one after the other. If the disk refuses, `batch.refused` has the error.
pub(super) fn apply(batch: &mut Batch, roster: &mut Roster, durable: &mut Durable, epoch: &str, tell: Tell<'_>) {
    apply_to_roster(batch, roster, Extent { epoch, committed: durable.head() }, tell);
    durable.write(batch);
    roster.records_saved(&batch.saved);
}
