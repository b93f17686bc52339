//! The rules of delivery to a coding agent: which messages a session is shown, at which moment, and when they count as
//! handled. Pure: no I/O, and the caller passes the time.
//!
//! A message is first *offered*: a hook's context or a wake shows it to the agent. It is *handled* when a later hook of
//! the same session proves that the model went on with it, or when the agent answers. A request that was offered in the
//! middle of a turn is easily overlooked: only an answer, or the hook after its repetition at the turn's end, marks it
//! as handled. If the session ends before that, the message is offered again.
//!
//! A hook can die between getting its text and printing it. So its offer is a proposal, which counts once the hook
//! reports that it printed the text.

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

/// Messages held at a time. The rest stays in the hub's log until there is room.
pub const OPEN_MAX: usize = 200;
/// Answers that are remembered to messages that were not received yet.
const EARLY_MAX: usize = 200;

/// The session's activity, as reported by its hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It waits for a prompt.
    Idle,
    /// A turn is running.
    Busy,
    /// In a turn, it waits for its user's permission or answer.
    Blocked,
    /// Its last turn ended with an error.
    Error,
    /// Its session ended.
    Ended,
}

/// The state that outlives the process. It is stored in agents.json under the agent's name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The log that the positions belong to.
    pub epoch: String,
    /// The newest received message.
    pub head: u64,
    /// The messages up to `head` that are not handled.
    pub open: Vec<u64>,
}

/// The progress of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not shown to the agent.
    New,
    /// Posted as a wake. No hook has proved yet that it arrived.
    Posted,
    /// Shown to the agent.
    Offered {
        /// Shown at a session's start. The first prompt proves nothing about it, because no model step lies between.
        at_start: bool,
        /// A request that was shown in the middle of a turn.
        mid_turn: bool,
        /// It was repeated at the turn's end.
        repeated: bool,
    },
}

#[derive(Debug)]
struct Entry {
    message: Message,
    stage: Stage,
    /// True until a hook could have offered it and did not.
    is_fresh: bool,
    /// A wake or a tool's result contained the message, so a mark in a hook's input proves that it was read.
    was_handed: bool,
    /// The open proposal that contains it.
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
    /// The newest received message.
    head: u64,
    /// Everything up to this seq counts as handled, because the agent said so.
    floor: u64,
    /// Messages that were answered before they were received.
    early: BTreeSet<u64>,
    /// The ledger of an earlier process.
    before: Ledger,
    /// While there was no resident, hooks offered everything up to this seq.
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
    /// Creates an agent's state; `before` is the ledger of an earlier process, of the same log.
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

    /// Adds a message from the hub. Messages come in the order of the log, each once. Returns true if neither this
    /// process nor an earlier one has had it.
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

    /// Starts with another log: positions of the old one mean nothing in it.
    pub fn begin_log(&mut self) {
        self.open.clear();
        self.early.clear();
        (self.head, self.floor, self.offered_head, self.elsewhere) = (0, 0, 0, 0);
        self.before = Ledger::default();
        self.waking.forget();
    }

    /// Marks messages as offered to this session by a hook that ran while there was no resident.
    pub fn offered_elsewhere(&mut self, up_to: u64) {
        self.elsewhere = self.elsewhere.max(up_to);
        for (_, entry) in self.open.range_mut(..=up_to) {
            if entry.is_free() {
                entry.stage = Stage::Offered { at_start: true, mid_turn: false, repeated: false };
            }
        }
    }

    /// True if another message can be held.
    pub fn has_room(&self) -> bool {
        self.open.len() < OPEN_MAX
    }

    /// Marks a message as handled because the agent answered it.
    pub fn answered(&mut self, seq: u64) {
        if self.open.remove(&seq).is_none() && seq > self.head && self.early.len() < EARLY_MAX {
            self.early.insert(seq);
        }
    }

    /// Marks everything up to `seq` as handled because the agent said so.
    pub fn seen_up_to(&mut self, seq: u64) {
        self.floor = self.floor.max(seq);
        self.open = self.open.split_off(&(seq.saturating_add(1)));
    }

    /// Notes that a tool's result contained these messages. A later hook may prove that the model got them.
    pub fn returned(&mut self, seqs: &[u64]) {
        for seq in seqs {
            if let Some(entry) = self.open.get_mut(seq) {
                entry.was_handed = true;
            }
        }
    }

    /// The seq up to which everything is handled.
    pub fn cursor(&self) -> u64 {
        self.open.keys().next().map_or(self.head, |first| first - 1)
    }

    /// The newest received message.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The newest message that was shown to the agent.
    pub fn offered(&self) -> u64 {
        self.offered_head
    }

    /// The ledger for the next process.
    pub fn ledger(&self, epoch: &str) -> Ledger {
        Ledger { epoch: epoch.to_owned(), head: self.head, open: self.open.keys().copied().collect() }
    }

    /// The waiting messages, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Message> {
        self.open.values().map(|entry| &entry.message)
    }

    /// One waiting message.
    pub fn message(&self, seq: u64) -> Option<&Message> {
        self.open.get(&seq).map(|entry| &entry.message)
    }

    /// The session's activity.
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
