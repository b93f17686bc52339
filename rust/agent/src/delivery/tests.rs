//! The delivery rules, case by case.

use super::*;
use crate::message::Intent;

pub(super) fn message(seq: u64, intent: Intent) -> Message {
    Message {
        seq,
        ts: "2026-01-15T10:30:00+00:00".to_owned(),
        sender: format!("a{}", seq % 3),
        channel: "#b".to_owned(),
        text: "x".to_owned(),
        metadata: serde_json::json!({ "intent": intent.as_str() }),
        ..Message::default()
    }
}

fn machine() -> Machine {
    let mut machine = Machine::new("me", Ledger::default(), Allowance::default());
    machine.set_wake(true);
    machine
}

const START: HookKind = HookKind::Start { is_cleared: false, is_compaction: false };
const STOP: HookKind = HookKind::Stop { can_continue: true };
const LAST_STOP: HookKind = HookKind::Stop { can_continue: false };

fn event(kind: HookKind, marks: &[u64]) -> HookEvent {
    HookEvent { kind, session: "s".to_owned(), marks: marks.to_vec(), can_show: true }
}

/// Runs a hook that prints its offer. Returns the new and the repeated messages.
fn run(machine: &mut Machine, kind: HookKind, marks: &[u64], now: Millis) -> (Vec<u64>, Vec<u64>) {
    let offer = machine.hook(&event(kind, marks), now);
    machine.printed(offer.id, kind);
    (offer.fresh, offer.again)
}

fn ask(machine: &mut Machine, seq: u64) {
    machine.deliver(Delivered::Mine(message(seq, Intent::Request)));
}

#[test]
fn wake_then_prompt_offers_and_the_next_hook_makes_seen() {
    let mut machine = machine();
    run(&mut machine, START, &[], 0);
    ask(&mut machine, 5);
    let wake = machine.next_wake(false, 10).unwrap();
    assert_eq!(wake.seqs, [5]);
    assert!(wake.text.contains("orochi#5 ") && machine.next_wake(false, 11).is_none());
    assert_eq!(run(&mut machine, HookKind::Prompt, &[5], 50), (vec![], vec![]), "the prompt has it already");
    assert_eq!((machine.cursor(), machine.offered()), (4, 5));
    run(&mut machine, STOP, &[], 60);
    assert_eq!(machine.cursor(), 5);
}

#[test]
fn request_in_mid_turn_is_seen_only_after_its_repetition_at_stop() {
    let mut machine = machine();
    run(&mut machine, HookKind::Prompt, &[], 0);
    ask(&mut machine, 5);
    machine.deliver(Delivered::Mine(message(6, Intent::Inform)));
    assert_eq!(run(&mut machine, HookKind::Tool, &[], 1).0, [5, 6]);
    assert_eq!(run(&mut machine, HookKind::Tool, &[], 2), (vec![], vec![]));
    assert_eq!((machine.cursor(), machine.open.len()), (4, 1), "the information is seen, the request is not");
    assert_eq!(run(&mut machine, STOP, &[], 3), (vec![], vec![5]));
    assert_eq!(machine.activity(), Activity::Busy);
    assert_eq!(run(&mut machine, LAST_STOP, &[], 4), (vec![], vec![]));
    assert_eq!((machine.cursor(), machine.activity()), (6, Activity::Idle));
}

#[test]
fn answer_makes_a_request_seen_at_once() {
    let mut machine = machine();
    run(&mut machine, HookKind::Prompt, &[], 0);
    ask(&mut machine, 5);
    run(&mut machine, HookKind::Tool, &[], 1);
    machine.answered(5);
    assert_eq!(machine.cursor(), 5);
    assert_eq!(run(&mut machine, STOP, &[], 3), (vec![], vec![]));
}

#[test]
fn answer_to_a_message_behind_an_open_one_moves_no_cursor_and_outlives_the_process() {
    let mut machine = machine();
    ask(&mut machine, 5);
    ask(&mut machine, 6);
    machine.answered(6);
    assert_eq!(machine.cursor(), 4);
    let mut next = Machine::new("me", machine.ledger("e"), Allowance::default());
    for seq in [5, 6, 7] {
        ask(&mut next, seq);
    }
    assert_eq!(run(&mut next, START, &[], 0).0, [7, 5], "6 was dealt with, 7 is new");
}

#[test]
fn session_that_is_cleared_gets_unseen_offers_again() {
    let mut machine = machine();
    ask(&mut machine, 5);
    assert_eq!(run(&mut machine, START, &[], 0).0, [5]);
    run(&mut machine, HookKind::Prompt, &[], 1);
    assert_eq!(machine.cursor(), 4, "no model step lies between a session's start and its first prompt");
    let cleared = HookKind::Start { is_cleared: true, is_compaction: false };
    assert_eq!(run(&mut machine, cleared, &[], 2).0, [5]);
}

#[test]
fn hook_that_dies_before_it_prints_offered_nothing() {
    for kind in [START, HookKind::Prompt, HookKind::Tool, STOP] {
        let mut machine = machine();
        run(&mut machine, HookKind::Prompt, &[], 0);
        ask(&mut machine, 5);
        let offer = machine.hook(&event(kind, &[]), 1);
        assert_eq!(offer.fresh, [5], "{kind:?}");
        assert!(machine.hook(&event(kind, &[]), 1).is_empty(), "two hooks at once never print the same: {kind:?}");
        machine.dropped(offer.id, kind);
        run(&mut machine, HookKind::Blocked, &[], 2);
        assert_eq!(run(&mut machine, HookKind::Prompt, &[], 3).0, [5], "{kind:?}");
    }
}

#[test]
fn failure_interrupt_and_end_prove_nothing() {
    let mut machine = machine();
    ask(&mut machine, 5);
    run(&mut machine, HookKind::Prompt, &[], 0);
    for kind in [HookKind::Failure, HookKind::Interrupt, HookKind::Waiting, HookKind::End] {
        run(&mut machine, kind, &[], 1);
        assert_eq!(machine.cursor(), 4, "{kind:?}");
    }
}

#[test]
fn unproven_wake_is_posted_once_more_with_another_body_and_then_given_up() {
    let mut machine = machine();
    ask(&mut machine, 5);
    let first = machine.next_wake(false, 0).unwrap();
    machine.tick(9_999);
    assert!(machine.next_wake(false, 9_999).is_none());
    let second = machine.next_wake(false, 10_000).unwrap();
    assert_ne!(first.text, second.text, "a client drops a body that equals the last");
    assert!(machine.can_wake(10_000));
    machine.tick(20_000);
    assert!(!machine.can_wake(20_000) && machine.next_wake(false, 20_000).is_none());
    assert_eq!(run(&mut machine, HookKind::Prompt, &[], 30_000).0, [5], "the next hook carries it");
}

#[test]
fn blocked_session_is_not_woken_until_its_person_answered() {
    let mut machine = machine();
    run(&mut machine, HookKind::Blocked, &[], 0);
    ask(&mut machine, 5);
    assert!(machine.next_wake(false, 1).is_none());
    run(&mut machine, HookKind::Tool, &[], 2);
    assert!(machine.next_wake(false, 3).is_none(), "in a turn hooks carry it");
}

#[test]
fn only_requests_wake_and_quiet_hours_hold_them() {
    let mut machine = machine();
    for (seq, intent) in [(5, Intent::Inform), (6, Intent::Ack)] {
        machine.deliver(Delivered::Mine(message(seq, intent)));
    }
    assert!(machine.next_wake(false, 0).is_none());
    ask(&mut machine, 7);
    assert!(machine.next_wake(true, 0).is_none());
    assert_eq!(machine.next_wake(false, 0).unwrap().seqs, [7]);
}

#[test]
fn two_agents_that_answer_everything_stop_at_the_budget_until_a_person_writes() {
    let mut machine = machine();
    let mut wakes = 0;
    for n in 0..100 {
        let (seq, now) = (n + 1, n * 1_000);
        let mut asked = message(seq, Intent::Request);
        asked.sender = "bob".to_owned();
        machine.deliver(Delivered::Mine(asked));
        if let Some(wake) = machine.next_wake(false, now) {
            wakes += 1;
            run(&mut machine, HookKind::Prompt, &wake.seqs, now);
        }
        let (fresh, _) = run(&mut machine, STOP, &[], now);
        wakes += fresh.len();
    }
    assert_eq!(wakes, 12);
    assert!(machine.is_spent(100_000) && !machine.can_wake(100_000));
    run(&mut machine, HookKind::Prompt, &[], 100_000);
    assert!(!machine.is_spent(100_000));
}

#[test]
fn mark_of_a_message_that_was_never_handed_out_proves_nothing() {
    let mut machine = machine();
    ask(&mut machine, 5);
    run(&mut machine, HookKind::Blocked, &[], 0);
    let offer = machine.hook(&event(HookKind::Prompt, &[5]), 1);
    assert_eq!(offer.fresh, [5]);
}

#[test]
fn tool_result_with_a_message_is_not_repeated_by_the_hook_after_it() {
    let mut machine = machine();
    run(&mut machine, HookKind::Prompt, &[], 0);
    ask(&mut machine, 5);
    machine.returned(&[5]);
    assert_eq!(run(&mut machine, HookKind::Tool, &[5], 1), (vec![], vec![]));
    assert_eq!(machine.offered(), 5);
    // A call that timed out at the client's side: its hook has no mark.
    ask(&mut machine, 6);
    machine.returned(&[6]);
    assert_eq!(run(&mut machine, HookKind::Tool, &[], 2).0, [6]);
}

#[test]
fn hooks_of_another_session_change_nothing() {
    let mut machine = machine();
    run(&mut machine, HookKind::Prompt, &[], 0);
    ask(&mut machine, 5);
    let other = HookEvent { kind: HookKind::Tool, session: "t".to_owned(), marks: vec![], can_show: true };
    assert!(machine.hook(&other, 1).is_empty());
    assert_eq!(run(&mut machine, HookKind::Tool, &[], 1).0, [5]);
}

#[test]
fn backlog_comes_with_prompts_and_not_in_mid_turn() {
    let mut machine = machine();
    for seq in 1..=20 {
        machine.deliver(Delivered::Mine(message(seq, Intent::Inform)));
    }
    assert_eq!(run(&mut machine, HookKind::Prompt, &[], 0).0.len(), 8);
    assert_eq!(run(&mut machine, HookKind::Tool, &[], 1), (vec![], vec![]));
    machine.deliver(Delivered::Mine(message(21, Intent::Inform)));
    assert_eq!(run(&mut machine, HookKind::Tool, &[], 1).0, [21]);
    assert_eq!(run(&mut machine, HookKind::Prompt, &[], 2).0.len(), 8);
}

#[test]
fn seen_by_the_agents_own_word() {
    let mut machine = machine();
    for seq in [3, 5, 8] {
        ask(&mut machine, seq);
    }
    machine.seen_up_to(5);
    assert_eq!((machine.cursor(), machine.waiting().count()), (7, 1));
}
