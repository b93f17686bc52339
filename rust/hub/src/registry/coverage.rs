//! What an agent's ended connections were written since the hub started: the `delivered` of receipts
//! (section 9) for an agent that is offline or has come back.

use std::collections::VecDeque;
use std::sync::Arc;

use orochi_protocol::Seq;

use super::interest::Interest;
use crate::store::StoredMessage;

/// Ended connections that are remembered. A message delivered to an older one reads as `pending`, which
/// claims too little, never too much.
const SESSIONS_MAX: usize = 16;

/// The last ended connections: what each was to get and how far it was written.
#[derive(Debug, Default)]
pub struct Coverage(VecDeque<(Arc<Interest>, Seq)>);

impl Coverage {
    /// Remembers an ended connection.
    pub fn add(&mut self, interest: Arc<Interest>, written: Seq) {
        if written == Seq::ZERO {
            return;
        }
        if self.0.len() == SESSIONS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((interest, written));
    }

    /// Whether one of them was written the message.
    pub fn has(&self, message: &StoredMessage) -> bool {
        self.0.iter().any(|(interest, written)| message.seq <= *written && interest.wants(message))
    }
}
