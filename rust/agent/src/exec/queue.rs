//! Decides which message runs next: one at a time for each sender, in the order of the log, and requests within the
//! budget. Pure: the caller passes the time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::job::Job;
use crate::Millis;
use crate::budget::{Allowance, Budget};

/// Messages that are held, or were handled behind a held one. A sender that waits for budget must not keep others'
/// messages in the log.
pub(super) const SPAN_MAX: usize = 10_000;
/// The most bytes of held messages.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most commands at a time: each may be a whole interpreter.
const RUNS_MAX: usize = 16;

/// The messages of one sender.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<(u64, Job)>,
    /// The message whose command runs: its ticket and its bytes.
    running: Option<(u64, usize)>,
    /// True if its next message waits for budget.
    is_held: bool,
}

/// The received messages.
#[derive(Debug)]
pub(super) struct Queue {
    budget: Budget,
    lanes: BTreeMap<String, Lane>,
    /// Unhandled messages: their tickets by seq.
    open: BTreeMap<u64, u64>,
    /// Messages that were handled behind the first open one.
    dealt: BTreeSet<u64>,
    places: BTreeMap<u64, u64>,
    head: u64,
    bytes: usize,
    tickets: u64,
}

impl Queue {
    /// An empty queue.
    pub(super) fn new(budget: Allowance) -> Self {
        Self {
            budget: Budget::new(budget),
            lanes: BTreeMap::new(),
            open: BTreeMap::new(),
            dealt: BTreeSet::new(),
            places: BTreeMap::new(),
            head: 0,
            bytes: 0,
            tickets: 0,
        }
    }

    /// True if another message can be held.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() + self.dealt.len() < SPAN_MAX && self.bytes < BYTES_MAX
    }

    /// Adds a message behind all others of its sender.
    pub(super) fn deliver(&mut self, job: Job) {
        self.pass(job.seq);
        self.tickets += 1;
        self.open.insert(job.seq, self.tickets);
        self.places.insert(self.tickets, job.seq);
        self.bytes += bytes(&job);
        let lane = self.lanes.entry(job.sender.clone()).or_default();
        lane.waiting.push_back((self.tickets, job));
    }

    /// Notes the log's newest known seq.
    pub(super) fn pass(&mut self, seq: u64) {
        if seq <= self.head {
            // Another log, or an older copy: seqs of the old one mean nothing in it. Held messages still run.
            self.open.clear();
            self.dealt.clear();
            self.places.clear();
        }
        self.head = seq;
    }

    /// Returns the next message to run the command for.
    pub(super) fn next(&mut self, now: Millis) -> Option<(u64, Job)> {
        if self.lanes.values().filter(|lane| lane.running.is_some()).count() >= RUNS_MAX {
            return None;
        }
        let mut idle: Vec<(u64, String)> = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.running.is_none())
            .filter_map(|(sender, lane)| Some((lane.waiting.front()?.0, sender.clone())))
            .collect();
        idle.sort_unstable();
        for (ticket, sender) in idle {
            let Some(lane) = self.lanes.get_mut(&sender) else { continue };
            let is_request = lane.waiting.front().is_some_and(|(_, job)| job.is_request());
            lane.is_held = is_request && !self.budget.spend(ticket, &sender, now);
            if !lane.is_held
                && let Some((_, job)) = lane.waiting.pop_front()
            {
                lane.running = Some((ticket, bytes(&job)));
                return Some((ticket, job));
            }
        }
        None
    }

    /// Notes that a message was handled.
    pub(super) fn finish(&mut self, ticket: u64) {
        let lane = self.lanes.iter_mut().find(|(_, lane)| lane.running.is_some_and(|(running, _)| running == ticket));
        if let Some((sender, lane)) = lane {
            let (sender, freed) = (sender.clone(), lane.running.take().map_or(0, |(_, bytes)| bytes));
            self.bytes -= freed;
            if lane.waiting.is_empty() {
                self.lanes.remove(&sender);
            }
        }
        if let Some(seq) = self.places.remove(&ticket) {
            self.open.remove(&seq);
            self.dealt.insert(seq);
            self.dealt = self.dealt.split_off(&(self.cursor() + 1));
        }
    }

    /// The seq up to which everything is handled.
    pub(super) fn cursor(&self) -> u64 {
        self.open.keys().next().map_or(self.head, |first| first - 1)
    }

    /// True if a request waits for budget.
    pub(super) fn is_held(&self) -> bool {
        self.lanes.values().any(|lane| lane.is_held)
    }
}

fn bytes(job: &Job) -> usize {
    job.json.len() + job.text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(seq: u64, sender: &str, intent: &'static str) -> Job {
        let (id, channel) = (format!("i{seq}"), format!("@{sender}"));
        Job { seq, id, sender: sender.to_owned(), channel, intent, text: String::new(), json: String::new() }
    }

    fn started(queue: &mut Queue, now: Millis) -> Vec<(u64, u64)> {
        std::iter::from_fn(|| queue.next(now)).map(|(ticket, job)| (ticket, job.seq)).collect()
    }

    #[test]
    fn exec_runs_one_at_a_time_for_each_sender() {
        let mut queue = Queue::new(Allowance::default());
        for (seq, sender) in [(3, "bob"), (4, "bob"), (5, "ann"), (7, "bob")] {
            queue.deliver(job(seq, sender, "request"));
        }
        assert_eq!(started(&mut queue, 0), [(1, 3), (3, 5)]);
        queue.finish(3);
        assert_eq!((queue.cursor(), started(&mut queue, 0)), (2, vec![]));
        queue.finish(1);
        assert_eq!((queue.cursor(), started(&mut queue, 0)), (3, vec![(2, 4)]));
        queue.finish(2);
        assert_eq!(queue.cursor(), 6, "5 was dealt with before");
        queue.pass(9);
        assert_eq!(started(&mut queue, 0), [(4, 7)]);
        queue.finish(4);
        assert_eq!(queue.cursor(), 9);
    }

    #[test]
    fn exec_budget_holds_requests_of_one_sender_and_nothing_else() {
        let mut queue = Queue::new(Allowance::default());
        let mut seq = 0;
        let mut run = |queue: &mut Queue, sender: &str, intent, now| {
            seq += 1;
            queue.deliver(job(seq, sender, intent));
            let ran = started(queue, now);
            ran.iter().for_each(|(ticket, _)| queue.finish(*ticket));
            ran.len()
        };
        assert_eq!((0..12).map(|_| run(&mut queue, "bob", "request", 0)).sum::<usize>(), 12);
        assert_eq!(run(&mut queue, "bob", "request", 0), 0);
        assert!(queue.is_held());
        assert_eq!(run(&mut queue, "ann", "request", 1), 1);
        for _ in 0..50 {
            assert_eq!(run(&mut queue, "eve", "inform", 2), 1, "what asks for nothing costs nothing");
        }
        // Another look does not delay the refill.
        for minute in 1..10 {
            assert_eq!(started(&mut queue, minute * 60_000 + 1), []);
        }
        assert_eq!(started(&mut queue, 600_001).len(), 1);
        assert!(!queue.is_held());
    }

    #[test]
    fn exec_queue_goes_on_in_an_older_copy_of_the_log() {
        let mut queue = Queue::new(Allowance::default());
        queue.deliver(job(50, "bob", "request"));
        let (ticket, _) = queue.next(0).unwrap();
        queue.deliver(job(41, "ann", "request"));
        queue.finish(ticket);
        assert_eq!(queue.cursor(), 40);
        let (ticket, _) = queue.next(0).unwrap();
        queue.finish(ticket);
        assert_eq!(queue.cursor(), 41);
    }

    #[test]
    fn exec_queue_is_bounded() {
        let mut queue = Queue::new(Allowance::default());
        let long = Job { json: "x".repeat(BYTES_MAX), ..job(1, "bob", "ack") };
        queue.deliver(long);
        assert!(!queue.has_room());
        let (ticket, _) = queue.next(0).unwrap();
        queue.finish(ticket);
        assert!(queue.has_room());
    }
}
