//! The messages delivered to an agent's ended connections since the hub started. Receipts need them for the state
//! `delivered` (section 9) of an agent that is offline or has come back.

use std::collections::VecDeque;
use std::sync::Arc;

use orochi_protocol::Seq;

use super::interest::Interest;
use crate::store::Message;

/// Ended connections that are remembered. A message delivered to an older one reads as `pending`, which claims too
/// little, never too much.
const SESSIONS_MAX: usize = 16;

/// Bytes that the ended connections of one agent may take; a connection in 100 channels takes about 10 KiB.
const AGENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes for all agents together. Beyond it no more are remembered.
const ALL_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The last ended connections of one agent: the interest of each, and how far it was written.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    ended: VecDeque<Ended>,
    bytes: usize,
}

#[derive(Debug)]
struct Ended {
    interest: Arc<Interest>,
    written: Seq,
    bytes: usize,
}

impl Coverage {
    /// Remembers an ended connection. `all` counts the bytes of all agents.
    pub(crate) fn add(&mut self, interest: Arc<Interest>, written: Seq, all: &mut usize) {
        let bytes = interest.bytes();
        if written == Seq::ZERO || bytes > AGENT_BYTES_MAX {
            return;
        }
        while self.ended.len() >= SESSIONS_MAX || self.bytes + bytes > AGENT_BYTES_MAX {
            let Some(oldest) = self.ended.pop_front() else { break };
            self.bytes -= oldest.bytes;
            *all -= oldest.bytes;
        }
        if *all + bytes <= ALL_BYTES_MAX {
            self.bytes += bytes;
            *all += bytes;
            self.ended.push_back(Ended { interest, written, bytes });
        }
    }

    /// True if the message was written to one of them.
    pub(crate) fn has(&self, message: &Message) -> bool {
        self.ended.iter().any(|ended| message.seq <= ended.written && ended.interest.wants(message))
    }
}

#[cfg(test)]
mod tests {
    use super::super::interest::AgentInterest;
    use super::*;

    fn seq(n: u64) -> Seq {
        Seq::new(n).unwrap()
    }

    fn interest(agent: &str, channels: usize) -> Arc<Interest> {
        let mut interest = AgentInterest::new(agent, Seq::ZERO);
        for n in 0..channels {
            interest.join(&format!("#{n:060}"), Seq::ZERO);
        }
        Arc::new(Interest::Agent(interest))
    }

    #[test]
    fn coverage_of_ended_connections_is_bounded_in_bytes() {
        let mut all = 0;
        let mut agents = Vec::new();
        let ended = interest("bob", 256);
        for _ in 0..3000 {
            let mut coverage = Coverage::default();
            for _ in 0..20 {
                coverage.add(Arc::clone(&ended), seq(5), &mut all);
                assert!(coverage.bytes <= AGENT_BYTES_MAX && all <= ALL_BYTES_MAX);
            }
            agents.push(coverage);
        }
        assert_eq!(all, agents.iter().map(|coverage| coverage.bytes).sum::<usize>());
        assert!(all > ALL_BYTES_MAX / 2, "much is remembered: {all}");
    }

    #[test]
    fn coverage_keeps_the_newest_connections() {
        let (mut all, mut coverage) = (0, Coverage::default());
        for n in 1..=40 {
            coverage.add(interest("bob", 1), seq(n), &mut all);
        }
        assert_eq!(coverage.ended.len(), SESSIONS_MAX);
        assert_eq!(coverage.ended.front().map(|ended| ended.written), Some(seq(25)));
    }
}
