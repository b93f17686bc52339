//! Wakes of an idle session. No adapter is proof: a wake has arrived when the next prompt contains its marks.

use super::waking::Posted;
use super::{Activity, Machine, Stage};
use crate::Millis;
use crate::message::Message;
use crate::text::{self, Occasion, WAKE_UNITS_MAX};

/// A posted wake appears as a prompt within tens of milliseconds. After this time it is posted once more.
const PROOF_MAX: Millis = 10_000;
/// After this time without a hook in a turn, the hook that ends the turn may have been lost.
const BUSY_MAX: Millis = 600_000;

/// A text to post to the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// The messages in it.
    pub seqs: Vec<u64>,
    /// The sender of the first message: the client limits posts by sender.
    pub sender: String,
    /// The text.
    pub text: String,
}

impl Machine {
    /// Sets whether there is an adapter that can wake the session.
    pub fn set_wake(&mut self, is_possible: bool) {
        self.waking.is_possible = is_possible;
    }

    /// Notes that a person declined waking.
    pub fn decline_wake(&mut self) {
        self.waking.is_declined = true;
    }

    /// True if a mention starts a turn, as far as is known.
    pub fn can_wake(&mut self, now: Millis) -> bool {
        self.may_wake() && !self.budget.is_off() && !self.budget.is_spent(now)
    }

    /// True if the budget refused a wake.
    pub fn is_spent(&mut self, now: Millis) -> bool {
        self.budget.is_spent(now)
    }

    /// Returns a wake to post now, if there is a reason. Its messages count as posted.
    pub fn next_wake(&mut self, is_quiet: bool, now: Millis) -> Option<Wake> {
        if !self.may_wake() || is_quiet || !self.is_wakeable(now) {
            return None;
        }
        if let Some(posted) = self.waking.posted {
            return if posted.is_second || now.saturating_sub(posted.at) < PROOF_MAX { None } else { self.second(now) };
        }
        let candidates: Vec<&Message> = self
            .open
            .values()
            .filter(|entry| entry.is_free() && entry.is_request())
            .map(|entry| &entry.message)
            .collect();
        let chosen = text::choose(&self.name, &candidates, WAKE_UNITS_MAX, self.open.len());
        let budget = &mut self.budget;
        let granted: Vec<u64> = chosen
            .into_iter()
            .map(|at| candidates[at])
            .filter(|message| budget.spend(message.seq, &message.sender, now))
            .map(|message| message.seq)
            .collect();
        self.post(granted, false, now)
    }

    /// Returns true if a message may be pushed into the session now, and spends the budget. The arrival of a push is
    /// unknown, so nothing else changes.
    pub fn may_push(&mut self, message: &Message, is_quiet: bool, now: Millis) -> bool {
        self.may_wake() && !is_quiet && self.budget.spend(message.seq, &message.sender, now)
    }

    /// Notes that the adapter could not post the wake.
    pub fn wake_failed(&mut self) {
        self.give_up();
    }

    /// Gives up wakes that have not arrived in time.
    pub fn tick(&mut self, now: Millis) {
        let Some(posted) = self.waking.posted else { return };
        if now.saturating_sub(posted.at) < PROOF_MAX {
            return;
        }
        if posted.is_second {
            self.give_up();
        } else if !self.is_wakeable(now) {
            // In a turn, the next hook shows the messages.
            self.waking.posted = None;
            self.unpost();
        }
    }

    /// The time at which [`Machine::tick`] or [`Machine::next_wake`] may have work, without any other event.
    pub fn deadline(&self) -> Option<Millis> {
        let proof = self.waking.posted.map(|posted| posted.at + PROOF_MAX);
        let busy = matches!(self.activity, Activity::Busy).then_some(self.last_hook_at + BUSY_MAX);
        [proof, busy, self.budget.next_change()].into_iter().flatten().min()
    }

    /// Handles a prompt. A prompt without a mark is a person's.
    pub(super) fn prompted(&mut self, is_wake: bool, _now: Millis) {
        self.waking.is_lost = false;
        if is_wake {
            if !self.open.values().any(|entry| entry.stage == Stage::Posted) {
                self.waking.posted = None;
            }
        } else {
            self.budget.person();
        }
    }

    fn may_wake(&self) -> bool {
        self.waking.is_possible && !self.waking.is_declined && !self.waking.is_lost
    }

    fn is_wakeable(&self, now: Millis) -> bool {
        match self.activity {
            Activity::Idle | Activity::Error => true,
            Activity::Busy => now.saturating_sub(self.last_hook_at) >= BUSY_MAX,
            Activity::Blocked | Activity::Ended => false,
        }
    }

    fn second(&mut self, now: Millis) -> Option<Wake> {
        let posted: Vec<u64> =
            self.open.iter().filter(|(_, entry)| entry.stage == Stage::Posted).map(|(seq, _)| *seq).collect();
        self.waking.posted = None;
        self.post(posted, true, now)
    }

    fn post(&mut self, seqs: Vec<u64>, is_second: bool, now: Millis) -> Option<Wake> {
        let messages: Vec<&Message> = seqs.iter().filter_map(|seq| self.message(*seq)).collect();
        let sender = messages.first()?.sender.clone();
        let occasion = if is_second { Occasion::SecondWake } else { Occasion::Wake };
        let more = self.open.values().filter(|entry| entry.is_free()).count().saturating_sub(messages.len());
        let text = text::render(&self.name, &messages, occasion, more);
        for seq in &seqs {
            if let Some(entry) = self.open.get_mut(seq) {
                (entry.stage, entry.was_handed) = (Stage::Posted, true);
            }
        }
        self.waking.posted = Some(Posted { at: now, is_second });
        Some(Wake { seqs, sender, text })
    }

    fn give_up(&mut self) {
        (self.waking.posted, self.waking.is_lost) = (None, true);
        self.unpost();
    }

    fn unpost(&mut self) {
        for entry in self.open.values_mut().filter(|entry| entry.stage == Stage::Posted) {
            (entry.stage, entry.is_fresh) = (Stage::New, true);
        }
    }
}
