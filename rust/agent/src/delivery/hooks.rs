//! A client's hooks: the proof that each gives about earlier offers, and the messages that it offers.

use super::{Activity, Entry, Machine, Stage};
use crate::Millis;
use crate::message::Message;
use crate::text::{self, HOOK_UNITS_MAX, Occasion};

/// The part of a start's text for the session's introduction. The messages get the rest.
pub const INTRODUCTION_UNITS_MAX: usize = 600;
/// A turn's end can have two lists, with an empty line between them.
const HALF_UNITS_MAX: usize = HOOK_UNITS_MAX / 2 - 2;

/// A moment of a session, independent of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookKind {
    /// A session begins, resumes, or is cleared.
    Start {
        /// The model's context was emptied.
        is_cleared: bool,
        /// In the middle of a turn, the client shortened the model's context.
        is_compaction: bool,
    },
    /// A prompt was submitted, by a person or by a wake.
    Prompt,
    /// Tools have run; the model's next step follows.
    Tool,
    /// The turn ends.
    Stop {
        /// If true, text that is printed now continues the turn.
        can_continue: bool,
    },
    /// The turn ended with an error.
    Failure,
    /// A person ended the turn.
    Interrupt,
    /// The client waits for its user's permission or answer.
    Blocked,
    /// The client waits for a prompt.
    Waiting,
    /// The session ends.
    End,
}

impl HookKind {
    /// True if a hook can show messages at this moment.
    pub fn shows(self) -> bool {
        matches!(self, Self::Start { .. } | Self::Prompt | Self::Tool | Self::Stop { can_continue: true })
    }
}

/// One hook that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEvent {
    /// The moment.
    pub kind: HookKind,
    /// The client's id of its session.
    pub session: String,
    /// Messages whose marks are in the prompt or in a result of our tools.
    pub marks: Vec<u64>,
    /// True if the client shows its model the text that this hook prints.
    pub can_show: bool,
}

/// The offer of a hook. Its messages are held back from all other offers until the hook reports that it printed them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The offer's number, for [`Machine::printed`] and [`Machine::dropped`].
    pub id: u64,
    /// Messages that are new to the agent.
    pub fresh: Vec<u64>,
    /// Requests that are repeated.
    pub again: Vec<u64>,
    /// The number of waiting messages that are not shown.
    pub more: usize,
}

impl Offer {
    /// True if there is nothing to print.
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.again.is_empty()
    }
}

impl Machine {
    /// Handles a hook's run. Returns its offer.
    pub fn hook(&mut self, event: &HookEvent, now: Millis) -> Offer {
        if !self.adopt(event) {
            return Offer::default();
        }
        self.last_hook_at = now;
        self.prove(event.kind);
        self.take_marks(event, now);
        self.activity = match event.kind {
            HookKind::Start { is_compaction: true, .. } => self.activity,
            HookKind::Start { .. } | HookKind::Interrupt | HookKind::Waiting | HookKind::Stop { .. } => Activity::Idle,
            HookKind::Prompt | HookKind::Tool => Activity::Busy,
            HookKind::Failure => Activity::Error,
            HookKind::Blocked => Activity::Blocked,
            HookKind::End => Activity::Ended,
        };
        if !event.can_show {
            return Offer::default();
        }
        match event.kind {
            HookKind::Start { .. } => self.propose(|_| true, HOOK_UNITS_MAX - INTRODUCTION_UNITS_MAX),
            HookKind::Prompt => self.propose(|_| true, HOOK_UNITS_MAX),
            HookKind::Tool => self.propose(|entry| entry.is_fresh, HOOK_UNITS_MAX),
            HookKind::Stop { can_continue: true } => self.propose_at_stop(now),
            HookKind::Stop { can_continue: false }
            | HookKind::Failure
            | HookKind::Interrupt
            | HookKind::Blocked
            | HookKind::Waiting
            | HookKind::End => Offer::default(),
        }
    }

    /// Marks an offer's messages as shown, because the hook printed them.
    pub fn printed(&mut self, id: u64, kind: HookKind) {
        let seqs: Vec<u64> = self.taken_by(id).collect();
        for seq in seqs {
            let Some(entry) = self.open.get_mut(&seq) else { continue };
            entry.proposal = None;
            match &mut entry.stage {
                Stage::Offered { repeated, .. } => *repeated = true,
                Stage::New | Stage::Posted => {
                    let at_start = matches!(kind, HookKind::Start { .. });
                    self.mark_offered(seq, at_start, kind == HookKind::Tool);
                }
            }
        }
    }

    /// Cancels an offer, because its hook died or failed before printing it.
    pub fn dropped(&mut self, id: u64, kind: HookKind) {
        let seqs: Vec<u64> = self.taken_by(id).collect();
        for seq in &seqs {
            if let Some(entry) = self.open.get_mut(seq) {
                (entry.proposal, entry.is_fresh) = (None, true);
            }
        }
        if matches!(kind, HookKind::Stop { .. }) && !seqs.is_empty() && self.activity == Activity::Busy {
            self.activity = Activity::Idle;
        }
    }

    /// Renders an offer; None if it is empty.
    pub fn context(&self, offer: &Offer) -> Option<String> {
        let messages = |seqs: &[u64]| -> Vec<&Message> { seqs.iter().filter_map(|seq| self.message(*seq)).collect() };
        let (fresh, again) = (messages(&offer.fresh), messages(&offer.again));
        let mut parts = Vec::new();
        if !again.is_empty() {
            parts.push(text::render(&self.name, &again, Occasion::Repetition, 0));
        }
        if !fresh.is_empty() {
            parts.push(text::render(&self.name, &fresh, Occasion::Context, offer.more));
        }
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    }

    fn taken_by(&self, id: u64) -> impl Iterator<Item = u64> {
        self.open.iter().filter(move |(_, entry)| entry.proposal == Some(id)).map(|(seq, _)| *seq)
    }

    /// True if the hook belongs to the session of this state. A session's start or prompt makes its session the present
    /// one.
    fn adopt(&mut self, event: &HookEvent) -> bool {
        let is_own = self.session.as_deref().is_none_or(|own| own == event.session);
        let begins = matches!(event.kind, HookKind::Start { .. } | HookKind::Prompt);
        if !is_own && !begins {
            return false;
        }
        let is_cleared = matches!(event.kind, HookKind::Start { is_cleared: true, .. });
        if (!is_own || is_cleared) && self.session.is_some() {
            self.session_died();
        }
        self.session = Some(event.session.clone());
        true
    }

    /// Makes messages that were offered to an ended session free for the next one.
    fn session_died(&mut self) {
        for entry in self.open.values_mut() {
            if matches!(entry.stage, Stage::Offered { .. }) {
                (entry.stage, entry.is_fresh, entry.proposal) = (Stage::New, true, None);
            }
        }
    }

    /// Marks earlier offers as handled, if this hook proves that the model went on with them.
    fn prove(&mut self, kind: HookKind) {
        let from_start = match kind {
            HookKind::Tool | HookKind::Stop { .. } | HookKind::Blocked => true,
            // No model step lies between a session's start and its first prompt.
            HookKind::Prompt => false,
            HookKind::Start { .. } | HookKind::Failure | HookKind::Interrupt | HookKind::Waiting | HookKind::End => {
                return;
            }
        };
        self.open.retain(|_, entry| match entry.stage {
            Stage::Offered { at_start, mid_turn, repeated } => {
                (at_start && !from_start) || (mid_turn && !repeated) || entry.proposal.is_some()
            }
            Stage::New | Stage::Posted => true,
        });
    }

    /// Uses the marks: one in a prompt proves a wake, one in a tool's result proves that the model has the message.
    fn take_marks(&mut self, event: &HookEvent, now: Millis) {
        let mut has_proof = false;
        for seq in &event.marks {
            let Some(entry) = self.open.get_mut(seq).filter(|entry| entry.was_handed) else { continue };
            has_proof = true;
            if entry.proposal.is_none() && !matches!(entry.stage, Stage::Offered { .. }) {
                self.mark_offered(*seq, false, event.kind == HookKind::Tool);
            }
        }
        if event.kind == HookKind::Prompt {
            self.prompted(has_proof, now);
        }
    }

    /// Offers new messages.
    fn propose(&mut self, wanted: impl Fn(&Entry) -> bool, units_max: usize) -> Offer {
        let candidates: Vec<&Message> =
            self.open.values().filter(|entry| entry.is_free() && wanted(entry)).map(|entry| &entry.message).collect();
        let chosen = text::choose(&self.name, &candidates, units_max, self.open.len());
        let fresh: Vec<u64> = chosen.into_iter().map(|at| candidates[at].seq).collect();
        self.take(fresh, Vec::new())
    }

    /// Offers messages at a turn's end: requests that were shown in the turn and not answered, then requests that were
    /// not shown.
    fn propose_at_stop(&mut self, now: Millis) -> Offer {
        let passed_over: Vec<&Message> = self
            .open
            .values()
            .filter(|entry| {
                entry.proposal.is_none()
                    && matches!(entry.stage, Stage::Offered { mid_turn: true, repeated: false, .. })
            })
            .map(|entry| &entry.message)
            .collect();
        let chosen = text::choose(&self.name, &passed_over, HALF_UNITS_MAX, 0);
        let again: Vec<u64> = chosen.into_iter().map(|at| passed_over[at].seq).collect();
        let candidates: Vec<&Message> = self
            .open
            .values()
            .filter(|entry| entry.is_free() && entry.is_request())
            .map(|entry| &entry.message)
            .collect();
        // Continuing a turn costs as much of the budget as a wake; otherwise loops could continue this way.
        let chosen = text::choose(&self.name, &candidates, HALF_UNITS_MAX, self.open.len());
        let budget = &mut self.budget;
        let fresh: Vec<u64> = chosen
            .into_iter()
            .map(|at| candidates[at])
            .filter(|message| !self.waking.is_off() && budget.spend(message.seq, &message.sender, now))
            .map(|message| message.seq)
            .collect();
        let offer = self.take(fresh, again);
        if !offer.is_empty() {
            self.activity = Activity::Busy;
        }
        offer
    }

    fn take(&mut self, fresh: Vec<u64>, again: Vec<u64>) -> Offer {
        self.proposals += 1;
        for (seq, entry) in &mut self.open {
            if fresh.contains(seq) || again.contains(seq) {
                entry.proposal = Some(self.proposals);
            } else if entry.is_free() {
                entry.is_fresh = false;
            }
        }
        let more = self.open.values().filter(|entry| entry.is_free()).count();
        Offer { id: self.proposals, fresh, again, more }
    }
}
