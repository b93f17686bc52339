//! The ids of messages that were sent and not acked. A model that got no answer sends again. Under the same id the hub
//! accepts the message once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use orochi_mcp::backend::Outgoing;
use uuid::Uuid;

/// A retry comes soon; later, the same words are a new message.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// The most messages that are remembered.
const KEPT_MAX: usize = 64;

/// The sent messages without an ack, oldest first.
#[derive(Debug, Default)]
pub(super) struct Unacked(Mutex<VecDeque<(Outgoing, String, Instant)>>);

/// One attempt to send a message. If it is dropped before an answer, its id is kept.
#[derive(Debug)]
pub(super) struct Try<'a> {
    unacked: &'a Unacked,
    message: Option<Outgoing>,
    pub(super) id: String,
}

impl Unacked {
    /// Begins an attempt: under the id of an earlier one that ended without an answer, or else under a new id.
    pub(super) fn begin(&self, message: &Outgoing) -> Try<'_> {
        let id = self.with(|kept| {
            let at = kept.iter().position(|(same, ..)| same == message)?;
            kept.remove(at).map(|(_, id, _)| id)
        });
        let id = id.unwrap_or_else(|| Uuid::now_v7().to_string());
        Try { unacked: self, message: Some(message.clone()), id }
    }

    fn with<T>(&self, change: impl FnOnce(&mut VecDeque<(Outgoing, String, Instant)>) -> T) -> T {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, _, since)| since.elapsed() < KEPT_FOR);
        change(&mut kept)
    }
}

impl Try<'_> {
    /// Notes that the hub accepted or refused the message: from now on the same words are a new message.
    pub(super) fn answered(mut self) {
        self.message = None;
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            let id = std::mem::take(&mut self.id);
            self.unacked.with(|kept| {
                if kept.len() >= KEPT_MAX {
                    kept.pop_front();
                }
                kept.push_back((message, id, Instant::now()));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Outgoing {
        Outgoing { to: "#b".to_owned(), text: text.to_owned(), reply_to: None, intent: None }
    }

    #[test]
    fn send_that_had_no_answer_keeps_its_id_for_the_same_message() {
        let unacked = Unacked::default();
        let first = unacked.begin(&message("x"));
        let second = unacked.begin(&message("x"));
        assert_ne!(first.id, second.id, "two at the same time are two messages");
        let id = first.id.clone();
        second.answered();
        drop(first);
        assert_ne!(unacked.begin(&message("y")).id, id);
        let again = unacked.begin(&message("x"));
        assert_eq!(again.id, id);
    }

    #[test]
    fn send_that_was_answered_is_over() {
        let unacked = Unacked::default();
        let first = unacked.begin(&message("x"));
        let id = first.id.clone();
        first.answered();
        assert_ne!(unacked.begin(&message("x")).id, id);
    }
}
