//! Checks a receiver's messages: each exactly once, each sender's in the order sent, and by rising `seq`.

use serde_json::{Value, json};

use crate::frames;

/// One receiver's account of a run of `expected` messages from `senders` senders.
pub struct Tally {
    seen: Vec<bool>,
    /// Per sender, the place expected to be passed next; place modulo senders is the sender.
    last_place: Vec<Option<u32>>,
    last_seq: Option<u64>,
    pub distinct: usize,
    pub duplicates: usize,
    pub out_of_order: usize,
    pub strangers: usize,
    pub with_seq: usize,
}

impl Tally {
    pub fn new(expected: usize, senders: usize) -> Self {
        Self {
            seen: vec![false; expected],
            last_place: vec![None; senders],
            last_seq: None,
            distinct: 0,
            duplicates: 0,
            out_of_order: 0,
            strangers: 0,
            with_seq: 0,
        }
    }

    /// Counts one delivered frame and returns its place, where it belongs to the run and is new.
    pub fn count(&mut self, frame: &[u8]) -> Option<u32> {
        let place = frames::message_place(frame).filter(|place| (*place as usize) < self.seen.len());
        let Some(place) = place else {
            self.strangers += 1;
            return None;
        };
        if std::mem::replace(&mut self.seen[place as usize], true) {
            self.duplicates += 1;
            return None;
        }
        self.distinct += 1;
        let sender = place as usize % self.last_place.len();
        let seq = frames::seq(frame);
        let in_order = self.last_place[sender] < Some(place) && (seq.is_none() || self.last_seq < seq);
        self.out_of_order += usize::from(!in_order);
        self.with_seq += usize::from(seq.is_some());
        self.last_place[sender] = Some(place);
        self.last_seq = seq.or(self.last_seq);
        Some(place)
    }

    pub fn complete(&self) -> bool {
        self.distinct == self.seen.len()
    }
}

/// The receivers' accounts in one, and whether all is as promised.
pub fn summary(tallies: &[Tally]) -> (bool, Value) {
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    let missing = sum(|tally| tally.seen.len() - tally.distinct);
    let (duplicates, out_of_order, strangers) =
        (sum(|tally| tally.duplicates), sum(|tally| tally.out_of_order), sum(|tally| tally.strangers));
    // Either the hub numbers its messages or it does not; some of them would be neither.
    let with_seq = sum(|tally| tally.with_seq);
    let all_or_none = with_seq == 0 || with_seq == sum(|tally| tally.distinct);
    let ok = missing + duplicates + out_of_order + strangers == 0 && all_or_none;
    let value = json!({
        "missing": missing, "duplicates": duplicates, "out_of_order": out_of_order, "strangers": strangers,
        "with_seq": with_seq,
    });
    (ok, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(place: u32, seq: u64) -> Vec<u8> {
        format!(r#"{{"type":"message","seq":{seq},"payload":{{"content":"load#{place:08x} text"}}}}"#).into_bytes()
    }

    #[test]
    fn a_repeat_a_hole_and_a_swap_are_each_seen() {
        let mut tally = Tally::new(4, 2);
        for (place, seq) in [(0, 1), (2, 2), (2, 2), (1, 4), (9, 5)] {
            tally.count(&delivered(place, seq));
        }
        assert!(!tally.complete());
        let (ok, value) = summary(&[tally]);
        assert!(!ok);
        assert_eq!(value, json!({"missing": 1, "duplicates": 1, "out_of_order": 0, "strangers": 1, "with_seq": 3}));
        let mut tally = Tally::new(4, 2);
        for (place, seq) in [(1, 2), (0, 1), (2, 3), (3, 4)] {
            tally.count(&delivered(place, seq));
        }
        assert_eq!(tally.out_of_order, 1);
    }
}
