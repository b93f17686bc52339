//! The second half of applying a batch: writes it to the file in one transaction. Messages get their seqs here, counted
//! from the newest message on disk. So a batch that the disk refuses uses none, and the next batch needs no
//! renumbering.
//!
//! This code knows no connections and answers no request. It runs on the core's thread or on the writer's
//! ([`super::writer`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orochi_protocol::Seq;

use super::ask::Ask;
use super::batch::{Batch, Numbered};
use super::change::Transaction;
use super::outcome::{Appended, Outcome};
use super::refusals::unavailable;
use crate::roster::{AgentIndex, Due};
use crate::store::states::OFFLINE;
use crate::store::{Store, StoreError};

/// The log's writer, and its state between batches.
pub(super) struct Durable {
    store: Store,
    /// The newest message on disk.
    head: Seq,
    /// `head` for the core, which checks the positions that clients name.
    committed: Arc<AtomicU64>,
    /// Records to write. If the disk refuses a batch, its records stay and go with the next one.
    due: BTreeMap<AgentIndex, Due>,
    /// The stored state of each agent; offline if none was written.
    states: HashMap<AgentIndex, String>,
}

impl Durable {
    pub(super) fn new(store: Store, head: Seq, states: HashMap<AgentIndex, String>, committed: Arc<AtomicU64>) -> Self {
        Self { store, head, committed, due: BTreeMap::new(), states }
    }

    /// The newest message on disk.
    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// True if records of a refused batch still wait.
    pub(super) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    pub(super) fn close(self) {
        self.store.close();
    }

    /// Writes a batch to disk. If the disk refuses, no message of the batch is in the log, and `batch.refused` has the
    /// error.
    pub(super) fn write(&mut self, batch: &mut Batch) {
        for due in batch.due.drain(..) {
            self.take_due(due);
        }
        if batch.is_lasting() || self.has_due() {
            batch.refused = self.commit(batch).err();
        }
        for ask in batch.asks.iter_mut().filter(|ask| ask.needs_store()) {
            match ask {
                Ask::ResetWal { done, .. } => {
                    *done = Some(self.store.reset_wal().map_err(|error| unavailable(&error)));
                }
                Ask::Probe { done, .. } => *done = Some(self.store.probe().map_err(|error| unavailable(&error))),
                _ => {}
            }
        }
    }

    fn take_due(&mut self, due: Due) {
        match self.due.get_mut(&due.agent) {
            Some(waiting) => {
                // The refused batch already fixed the position of the first register.
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
                // The batch's messages are not in the log, so agents that are new in it begin at the log's head.
                for (agent, _) in first_heads(batch, before) {
                    if let Some(due) = self.due.get_mut(&agent) {
                        due.record.first_head = before;
                    }
                }
                Err(error)
            }
        }
    }

    /// Writes one transaction. Returns the newest message after it.
    fn write_all(&mut self, batch: &mut Batch) -> Result<Seq, StoreError> {
        let Self { store, head, due, states, .. } = self;
        let (ts, age) = (batch.order.ts, batch.order.age);
        let is_shared = batch.order.numbered.is_some();
        let mut to = Transaction { file: store.begin_at(age)?, ts, newest: *head, is_shared };
        if age.sweeps {
            to.file.sweep_states(ts)?;
        }
        if let Some(Numbered { hub, position, n }) = batch.order.numbered {
            to.file.put_position(position, hub.0, n)?;
        }
        for (entry, outcome) in batch.entries.iter_mut().zip(&mut batch.outcomes) {
            entry.write(outcome, &mut to)?;
        }
        for (agent, first_head) in first_heads(batch, *head) {
            if let Some(due) = due.get_mut(&agent) {
                due.record.first_head = first_head;
            }
        }
        // Sorted by name: a roster's own order of agents changes with a restart.
        let mut due: Vec<&Due> = due.values().collect();
        due.sort_unstable_by(|one, other| one.record.name.cmp(&other.record.name));
        for due in due {
            to.file.put_agent(&due.record)?;
            if states.get(&due.agent).map_or(OFFLINE, String::as_str) != due.state {
                to.file.put_state(&due.record.name, &due.state, due.since.unwrap_or(ts))?;
            }
            if let Some(sessions) = &due.sessions {
                to.file.put_sessions(&due.record.name, sessions)?;
            }
        }
        to.file.commit()?;
        Ok(to.newest)
    }
}

/// Returns the agents that register for the first time in this batch, each with the newest message before it.
fn first_heads(batch: &Batch, before: Seq) -> Vec<(AgentIndex, Seq)> {
    let (mut head, mut found) = (before, Vec::new());
    for outcome in &batch.outcomes {
        match outcome {
            Outcome::Message(Appended::New { seq }) => head = *seq,
            other => found.extend(other.new_agent().map(|agent| (agent, head))),
        }
    }
    found
}
