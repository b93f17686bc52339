//! Laws of delivery that hold for any order of hooks, wakes and deaths.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::message;
use super::*;
use crate::message::Intent;

/// An event in an agent's life.
#[derive(Debug, Clone)]
enum Step {
    Message(Intent),
    Hook { kind: HookKind, dies: bool, wake_shown: bool },
    Wake { arrives: bool },
    Time(Millis),
    Answer(usize),
    ResidentDies,
}

fn kind() -> impl Strategy<Value = HookKind> {
    prop_oneof![
        1 => any::<bool>().prop_map(|is_cleared| HookKind::Start { is_cleared, is_compaction: false }),
        1 => Just(HookKind::Start { is_cleared: false, is_compaction: true }),
        4 => Just(HookKind::Prompt),
        6 => Just(HookKind::Tool),
        4 => any::<bool>().prop_map(|can_continue| HookKind::Stop { can_continue }),
        1 => Just(HookKind::Failure),
        1 => Just(HookKind::Interrupt),
        1 => Just(HookKind::Blocked),
        1 => Just(HookKind::Waiting),
        1 => Just(HookKind::End),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let intent = prop_oneof![3 => Just(Intent::Request), 1 => Just(Intent::Inform), 1 => Just(Intent::Ack)];
    prop_oneof![
        5 => intent.prop_map(Step::Message),
        8 => (kind(), prop::bool::weighted(0.15), any::<bool>())
            .prop_map(|(kind, dies, wake_shown)| Step::Hook { kind, dies, wake_shown }),
        4 => any::<bool>().prop_map(|arrives| Step::Wake { arrives }),
        2 => (1_u64..700_000).prop_map(Step::Time),
        1 => (0_usize..40).prop_map(Step::Answer),
        1 => Just(Step::ResidentDies),
    ]
}

/// The world around the machine: the hub's log and cursor, and the messages that the model's session has read.
struct World {
    machine: Machine,
    log: Vec<(u64, Intent)>,
    now: Millis,
    /// Counts, for each message, how often the present session was shown it as new and as a repetition.
    shown: BTreeMap<u64, (u32, u32)>,
    /// The messages that a session read and went on after, or answered.
    handled: BTreeMap<u64, bool>,
    in_flight: Vec<u64>,
    ledger: Ledger,
}

impl World {
    fn new() -> Self {
        let mut machine = Machine::new("me", Ledger::default(), Allowance::PerHour(1000));
        machine.set_wake(true);
        let (shown, handled) = (BTreeMap::new(), BTreeMap::new());
        Self { machine, log: vec![], now: 0, shown, handled, in_flight: vec![], ledger: Ledger::default() }
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Message(intent) => {
                let seq = self.log.last().map_or(1, |(seq, _)| seq + 1);
                self.log.push((seq, intent));
                self.machine.deliver(Delivered::Mine(message(seq, intent)));
            }
            Step::Hook { kind, dies, wake_shown } => self.hook(kind, dies, wake_shown)?,
            Step::Wake { arrives } => {
                self.machine.tick(self.now);
                if let Some(wake) = self.machine.next_wake(false, self.now) {
                    if arrives {
                        self.in_flight = wake.seqs;
                    } else {
                        self.machine.wake_failed();
                    }
                }
            }
            Step::Time(more) => self.now += more,
            Step::Answer(nth) => {
                if let Some((seq, _)) = self.log.get(nth) {
                    self.machine.answered(*seq);
                    self.handled.insert(*seq, true);
                }
            }
            Step::ResidentDies => {
                let cursor = self.machine.cursor();
                self.machine = Machine::new("me", self.ledger.clone(), Allowance::PerHour(1000));
                self.machine.set_wake(true);
                for (seq, intent) in self.log.iter().filter(|(seq, _)| *seq > cursor) {
                    self.machine.deliver(Delivered::Mine(message(*seq, *intent)));
                }
                self.session_ends();
            }
        }
        self.ledger = self.machine.ledger("e");
        self.check()
    }

    fn hook(&mut self, kind: HookKind, dies: bool, wake_shown: bool) -> Result<(), TestCaseError> {
        if matches!(kind, HookKind::Start { is_cleared: true, .. }) {
            self.session_ends();
        }
        let is_step = matches!(kind, HookKind::Tool | HookKind::Stop { .. } | HookKind::Blocked | HookKind::Prompt);
        if is_step {
            // The session goes on, so it has read the messages that were shown before.
            for seq in self.shown.keys() {
                self.handled.insert(*seq, true);
            }
        }
        let mut marks = Vec::new();
        if kind == HookKind::Prompt && wake_shown {
            marks = std::mem::take(&mut self.in_flight);
            for seq in &marks {
                // A late wake may repeat a message that a hook has shown meanwhile: no adapter is proof.
                self.shown.entry(*seq).or_insert((1, 0));
            }
        }
        let offer = self.machine.hook(&HookEvent { kind, session: "s".to_owned(), marks, can_show: true }, self.now);
        if dies {
            self.machine.dropped(offer.id, kind);
            return Ok(());
        }
        for seq in &offer.fresh {
            let shown = self.shown.entry(*seq).or_default();
            shown.0 += 1;
            prop_assert!(shown.0 == 1, "{seq} was offered twice to one session");
        }
        for seq in &offer.again {
            let shown = self.shown.entry(*seq).or_default();
            shown.1 += 1;
            prop_assert!(*shown == (1, 1), "{seq} was repeated {shown:?}");
        }
        self.machine.printed(offer.id, kind);
        Ok(())
    }

    fn session_ends(&mut self) {
        self.shown.clear();
        self.in_flight.clear();
    }

    /// Checks that no message counts as handled that no session read.
    fn check(&self) -> Result<(), TestCaseError> {
        let open: Vec<u64> = self.machine.waiting().map(|message| message.seq).collect();
        for (seq, _) in &self.log {
            let is_dealt = !open.contains(seq);
            prop_assert!(!is_dealt || self.handled.contains_key(seq), "{seq} was lost");
            prop_assert!(*seq > self.machine.cursor() || is_dealt, "the cursor passed {seq}");
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn delivery_loses_nothing_and_offers_nothing_twice(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.take(step)?;
        }
        // A session that goes on normally gets everything in the end.
        world.take(Step::Hook { kind: HookKind::Start { is_cleared: true, is_compaction: false }, dies: false, wake_shown: false })?;
        for _ in 0..40 {
            for kind in [HookKind::Prompt, HookKind::Tool, HookKind::Stop { can_continue: true }, HookKind::Stop { can_continue: false }] {
                world.take(Step::Time(100_000))?;
                world.take(Step::Hook { kind, dies: false, wake_shown: false })?;
            }
        }
        world.take(Step::Time(20_000))?;
        world.take(Step::Wake { arrives: false })?;
        for _ in 0..3 {
            world.take(Step::Hook { kind: HookKind::Prompt, dies: false, wake_shown: false })?;
            world.take(Step::Hook { kind: HookKind::Stop { can_continue: false }, dies: false, wake_shown: false })?;
        }
        prop_assert_eq!(world.machine.waiting().count(), 0);
    }
}
