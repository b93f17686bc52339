//! Which messages are put before the agent, when, and when they count as seen. Pure: no I/O, and the time is
//! handed in.
//!
//! A message is first *offered*: a hook's context or a wake puts it before the agent. It is *dealt with* when a
//! later hook of the same session shows that the model went on with it, or when the agent answers. A request
//! offered in the middle of a turn is easily passed over: only an answer, or the hook after its repetition at the
//! turn's end, deals with it. When the session ends before that, the message is offered again.
//!
//! A hook can die between getting its text and printing it. Its offer is therefore a proposal, which counts once
//! the hook says that it printed it.

mod hooks;
mod wakes;
mod waking;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::budget::{Allowance, Budget};
use crate::message::{Delivered, Message};

pub use hooks::{HookEvent, HookKind, INTRODUCTION_UNITS_MAX, Offer};
pub use wakes::Wake;

/// Messages that are held at a time; the rest stays in the hub's log until there is room.
pub const OPEN_MAX: usize = 200;
/// Answers to messages that were not received yet.
const EARLY_MAX: usize = 200;

/// What the session is doing, as its hooks tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Waits for a prompt.
    Idle,
    /// In a turn.
    Busy,
    /// In a turn that asks its person for permission or an answer.
    Blocked,
    /// Its last turn ended with an error.
    Error,
    /// Its session ended.
    Ended,
}

/// What outlives the process: kept in agents.json under the agent's name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The log that the positions belong to.
    pub epoch: String,
    /// The newest message that was received.
    pub head: u64,
    /// Those up to `head` that are not dealt with.
    pub open: Vec<u64>,
}

/// How far a message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not put before the agent.
    New,
    /// Posted as a wake; no hook has shown yet that it arrived.
    Posted,
    /// Put before the agent.
    Offered {
        /// A session's start proves less than other offers: no model step lies between it and the first prompt.
        at_start: bool,
        /// A request, in the middle of a turn.
        mid_turn: bool,
        /// It was named again at the turn's end.
        repeated: bool,
    },
}

#[derive(Debug)]
struct Entry {
    message: Message,
    stage: Stage,
    /// No offering hook has passed it over yet.
    is_fresh: bool,
    /// A wake or a tool's result carried it, so that a mark in a hook's input proves something.
    was_handed: bool,
    /// The open proposal that has it.
    proposal: Option<u64>,
}

impl Entry {
    fn is_free(&self) -> bool {
        self.stage == Stage::New && self.proposal.is_none()
    }

    fn is_request(&self) -> bool {
        self.message.is_request()
    }
}

/// The delivery rules' state for one agent.
#[derive(Debug)]
pub struct Machine {
    name: String,
    open: BTreeMap<u64, Entry>,
    /// The newest message that was received.
    head: u64,
    /// Up to here everything counts as dealt with: the agent said so.
    floor: u64,
    /// Answered before they were received.
    early: BTreeSet<u64>,
    /// What an earlier process left.
    before: Ledger,
    /// Hooks offered everything up to here while there was no resident.
    elsewhere: u64,
    offered_head: u64,
    activity: Activity,
    session: Option<String>,
    last_hook_at: Millis,
    budget: Budget,
    waking: waking::Waking,
    proposals: u64,
}

impl Machine {
    /// An agent's state; `before` is what an earlier process left, of the same log.
    pub fn new(name: &str, before: Ledger, allowance: Allowance) -> Self {
        Self {
            name: name.to_owned(),
            open: BTreeMap::new(),
            head: 0,
            floor: 0,
            early: BTreeSet::new(),
            before,
            elsewhere: 0,
            offered_head: 0,
            activity: Activity::Idle,
            session: None,
            last_hook_at: 0,
            budget: Budget::new(allowance),
            waking: waking::Waking::default(),
            proposals: 0,
        }
    }

    /// Takes a message from the hub. They come in the order of the log, each once. True where neither this process nor
    /// an earlier one has had it.
    pub fn deliver(&mut self, delivered: Delivered) -> bool {
        let seq = delivered.seq();
        let was_received = seq <= self.before.head;
        let is_new = seq > self.head && seq > self.floor;
        self.head = self.head.max(seq);
        let Delivered::Mine(message) = delivered else { return is_new && !was_received };
        let was_dealt = was_received && !self.before.open.contains(&seq);
        if was_dealt || seq <= self.floor || self.early.remove(&seq) {
            return false;
        }
        let stage = if seq <= self.elsewhere {
            Stage::Offered { at_start: true, mid_turn: false, repeated: false }
        } else {
            Stage::New
        };
        let entry = Entry { message, stage, is_fresh: true, was_handed: false, proposal: None };
        self.open.entry(seq).or_insert(entry);
        is_new
    }

    /// The connection is to another log: positions of the old one mean nothing in it.
    pub fn begin_log(&mut self) {
        self.open.clear();
        self.early.clear();
        (self.head, self.floor, self.offered_head, self.elsewhere) = (0, 0, 0, 0);
        self.before = Ledger::default();
        self.waking.forget();
    }

    /// Marks messages as put before this session by a hook that ran while there was no resident.
    pub fn offered_elsewhere(&mut self, up_to: u64) {
        self.elsewhere = self.elsewhere.max(up_to);
        for (_, entry) in self.open.range_mut(..=up_to) {
            if entry.is_free() {
                entry.stage = Stage::Offered { at_start: true, mid_turn: false, repeated: false };
            }
        }
    }

    /// Whether another message can be held.
    pub fn has_room(&self) -> bool {
        self.open.len() < OPEN_MAX
    }

    /// The agent answered this message.
    pub fn answered(&mut self, seq: u64) {
        if self.open.remove(&seq).is_none() && seq > self.head && self.early.len() < EARLY_MAX {
            self.early.insert(seq);
        }
    }

    /// The agent says that it dealt with everything up to here.
    pub fn seen_up_to(&mut self, seq: u64) {
        self.floor = self.floor.max(seq);
        self.open = self.open.split_off(&(seq.saturating_add(1)));
    }

    /// A tool's result carried these messages; a hook may show that the model got them.
    pub fn returned(&mut self, seqs: &[u64]) {
        for seq in seqs {
            if let Some(entry) = self.open.get_mut(seq) {
                entry.was_handed = true;
            }
        }
    }

    /// Everything up to here is dealt with.
    pub fn cursor(&self) -> u64 {
        self.open.keys().next().map_or(self.head, |first| first - 1)
    }

    /// The newest message that was received.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The newest message that was put before the agent.
    pub fn offered(&self) -> u64 {
        self.offered_head
    }

    /// What the next process must know.
    pub fn ledger(&self, epoch: &str) -> Ledger {
        Ledger { epoch: epoch.to_owned(), head: self.head, open: self.open.keys().copied().collect() }
    }

    /// Messages that wait, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Message> {
        self.open.values().map(|entry| &entry.message)
    }

    /// A message that waits.
    pub fn message(&self, seq: u64) -> Option<&Message> {
        self.open.get(&seq).map(|entry| &entry.message)
    }

    /// What the session is doing.
    pub fn activity(&self) -> Activity {
        self.activity
    }

    /// The agent's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn mark_offered(&mut self, seq: u64, at_start: bool, mid_turn: bool) {
        if let Some(entry) = self.open.get_mut(&seq) {
            let mid_turn = mid_turn && entry.is_request();
            entry.stage = Stage::Offered { at_start, mid_turn, repeated: false };
            self.offered_head = self.offered_head.max(seq);
        }
    }
}

#[cfg(test)]
mod law;
#[cfg(test)]
mod tests;
