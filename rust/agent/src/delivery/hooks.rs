//! A client's hooks: what each proves about earlier offers, and what it puts before the agent.

use super::{Activity, Entry, Machine, Stage};
use crate::Millis;
use crate::message::Message;
use crate::text::{self, HOOK_UNITS_MAX, Occasion};

/// What a session is told of itself when it starts fits into this; the messages have the rest.
pub const INTRODUCTION_UNITS_MAX: usize = 600;
/// A turn's end can bring two lists, with an empty line between.
const HALF_UNITS_MAX: usize = HOOK_UNITS_MAX / 2 - 2;

/// A moment of a session, in no client's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookKind {
    /// A session begins, goes on after a pause, or is cleared.
    Start {
        /// What the model knew before is gone.
        is_cleared: bool,
        /// In the middle of a turn: the client made room in the model's context.
        is_compaction: bool,
    },
    /// A prompt was submitted, by a person or as a wake.
    Prompt,
    /// Tools were run; the model's next step follows.
    Tool,
    /// The turn ends.
    Stop {
        /// Text printed now makes the turn go on.
        can_continue: bool,
    },
    /// The turn ended with an error.
    Failure,
    /// A person ended the turn.
    Interrupt,
    /// The client asks its person for something.
    Blocked,
    /// The client says that it waits for a prompt.
    Waiting,
    /// The session ends.
    End,
}

impl HookKind {
    /// Whether this moment can put messages before the agent.
    pub fn shows(self) -> bool {
        matches!(self, Self::Start { .. } | Self::Prompt | Self::Tool | Self::Stop { can_continue: true })
    }
}

/// One hook that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEvent {
    /// Which.
    pub kind: HookKind,
    /// The client's id of its session.
    pub session: String,
    /// The messages whose marks stand in the prompt or in a result of our tools.
    pub marks: Vec<u64>,
    /// Whether the client puts before its model what this hook prints.
    pub can_show: bool,
}

/// What a hook may print. Messages in it are held back from everything else until the hook says that it printed it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Names it for [`Machine::printed`] and [`Machine::dropped`].
    pub id: u64,
    /// Messages that are new to the agent.
    pub fresh: Vec<u64>,
    /// Requests named once more.
    pub again: Vec<u64>,
    /// Messages that wait and are not shown.
    pub more: usize,
}

impl Offer {
    /// Whether there is nothing to print.
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.again.is_empty()
    }
}

impl Machine {
    /// A hook ran.
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

    /// The hook printed the offer: its messages are put before the agent.
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

    /// The hook died or failed before it printed the offer: nothing was offered.
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

    /// The text of an offer; None where it is empty.
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

    /// Whether the hook is of the session that this state is about. A session's start or prompt makes it so.
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

    /// What was offered to a session that ended is offered to the next one.
    fn session_died(&mut self) {
        for entry in self.open.values_mut() {
            if matches!(entry.stage, Stage::Offered { .. }) {
                (entry.stage, entry.is_fresh, entry.proposal) = (Stage::New, true, None);
            }
        }
    }

    /// A hook shows that the model went on with what was offered before it.
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

    /// A mark in a prompt proves a wake; one in a tool's result, that the model has it.
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

    /// Chooses among new messages.
    fn propose(&mut self, wanted: impl Fn(&Entry) -> bool, units_max: usize) -> Offer {
        let candidates: Vec<&Message> =
            self.open.values().filter(|entry| entry.is_free() && wanted(entry)).map(|entry| &entry.message).collect();
        let chosen = text::choose(&self.name, &candidates, units_max, self.open.len());
        let fresh: Vec<u64> = chosen.into_iter().map(|at| candidates[at].seq).collect();
        self.take(fresh, Vec::new())
    }

    /// At a turn's end: requests that were offered in it and not answered, then requests that were not offered.
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
        // A turn that goes on for a message costs what a wake costs: loops would go on by this way too.
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
