//! The second of the three steps: a batch is written to the log in one transaction, and is on disk when that returns.
//! Messages get their seqs here, one after the other from the newest that is on disk, so a batch that the disk refuses
//! uses none, and the batch that was ordered behind it needs no new ones.
//!
//! Nothing here knows a connection, and nobody is answered: what was found out is kept in the entries. It runs on the
//! core's thread, or on the writer's ([`super::writer`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orochi_protocol::Seq;

use super::batch::Batch;
use super::entry::Entry;
use super::message::Outcome;
use super::unavailable;
use crate::registry::AgentIndex;
use crate::registry::roster::Due;
use crate::store::states::OFFLINE;
use crate::store::{Batch as Transaction, Store, StoreError};

/// The log's writer and what it has to know from one batch to the next.
pub(super) struct Durable {
    store: Store,
    /// The newest message on disk.
    head: Seq,
    /// The same for the step before, which checks places that clients name.
    committed: Arc<AtomicU64>,
    /// Records to write. Those of a batch that the disk refused stay, and go with the next one.
    due: BTreeMap<AgentIndex, Due>,
    /// The state of each agent that is on disk; offline where none was written.
    states: HashMap<AgentIndex, String>,
}

impl Durable {
    pub(super) fn new(store: Store, head: Seq, committed: Arc<AtomicU64>) -> Self {
        Self { store, head, committed, due: BTreeMap::new(), states: HashMap::new() }
    }

    /// Whether records wait that the disk has refused.
    pub(super) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    pub(super) fn close(self) {
        self.store.close();
    }

    /// Brings a batch to disk. Where the disk refuses, none of its messages is in the log, and it says so.
    pub(super) fn write(&mut self, batch: &mut Batch) {
        for due in batch.due.drain(..) {
            self.take_due(due);
        }
        if batch.is_lasting() || self.has_due() {
            batch.refused = self.commit(batch).err();
        }
        for entry in &mut batch.entries {
            match entry {
                Entry::ResetWal { done, .. } => {
                    *done = Some(self.store.reset_wal().map_err(|error| unavailable(&error)));
                }
                Entry::Probe { done, .. } => *done = Some(self.store.probe().map_err(|error| unavailable(&error))),
                _ => {}
            }
        }
    }

    fn take_due(&mut self, due: Due) {
        match self.due.get_mut(&due.agent) {
            Some(waiting) => {
                // When it first registered was found out by the batch that the disk refused.
                let first_head = waiting.record.first_head;
                *waiting = due;
                waiting.record.first_head = first_head;
            }
            None => drop(self.due.insert(due.agent, due)),
        }
    }

    fn commit(&mut self, batch: &mut Batch) -> Result<(), StoreError> {
        let before = self.head;
        let written = self.write_all(batch);
        match written {
            Ok(head) => {
                self.head = head;
                self.committed.store(head.get(), Ordering::Release);
                batch.saved = self.due.values().map(|due| (due.agent, due.record.cursor)).collect();
                for due in std::mem::take(&mut self.due).into_values() {
                    self.states.insert(due.agent, due.state);
                }
                Ok(())
            }
            Err(error) => {
                // Its messages are not there, so agents that were new in it begin where the log ends.
                for (agent, _) in first_heads(&batch.entries, before) {
                    if let Some(due) = self.due.get_mut(&agent) {
                        due.record.first_head = before;
                    }
                }
                Err(error)
            }
        }
    }

    /// One transaction; the newest message after it.
    fn write_all(&mut self, batch: &mut Batch) -> Result<Seq, StoreError> {
        let Self { store, head, due, states, .. } = self;
        let mut transaction = store.begin()?;
        let mut newest = *head;
        for entry in &mut batch.entries {
            match entry {
                Entry::Message(pending) => {
                    let seq = newest.next();
                    let outcome = pending.append(&mut transaction, seq)?;
                    if matches!(outcome, Outcome::New) {
                        newest = seq;
                    }
                    pending.outcome = Some(outcome);
                }
                Entry::Call { note, noted } => *noted = Some(note.write(&mut transaction, batch.now)?),
                Entry::SignOut { nonce, until, .. } => transaction.end_session(nonce, *until)?,
                // Their records are written below.
                Entry::Register(_) | Entry::Change(_) | Entry::Named(_) | Entry::Disconnect { .. } => {}
                Entry::Observe { .. }
                | Entry::Reply { .. }
                | Entry::Refused { .. }
                | Entry::Presence { .. }
                | Entry::Barrier(_)
                | Entry::ResetWal { .. }
                | Entry::Probe { .. } => {}
            }
        }
        for (agent, first_head) in first_heads(&batch.entries, *head) {
            if let Some(due) = due.get_mut(&agent) {
                due.record.first_head = first_head;
            }
        }
        for due in due.values() {
            write_record(&mut transaction, due, states.get(&due.agent).map_or(OFFLINE, String::as_str), batch)?;
        }
        transaction.commit()?;
        Ok(newest)
    }
}

fn write_record(
    transaction: &mut Transaction<'_>,
    due: &Due,
    state_before: &str,
    batch: &Batch,
) -> Result<(), StoreError> {
    transaction.put_agent(&due.record)?;
    if due.state != state_before {
        transaction.put_state(&due.record.name, &due.state, batch.now)?;
    }
    Ok(())
}

/// The agents that register for the first time in these entries, and the newest message before each of them.
fn first_heads(entries: &[Entry], before: Seq) -> Vec<(AgentIndex, Seq)> {
    let (mut head, mut found) = (before, Vec::new());
    for entry in entries {
        match entry {
            Entry::Message(pending) => head = pending.new_seq().unwrap_or(head),
            Entry::Register(registering) => found.extend(registering.new_agent().map(|agent| (agent, head))),
            _ => {}
        }
    }
    found
}
