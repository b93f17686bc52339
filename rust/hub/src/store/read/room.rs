//! Bounds the text of an answer.

use crate::store::Message;

/// Largest text of all messages in one HTTP answer, unless a single message is larger. A request for hundreds of rows
/// of 256 KiB needs several answers.
pub(crate) const ANSWER_TEXT_MAX: usize = 8 * 1024 * 1024;

/// The remaining room in an answer.
#[derive(Debug)]
pub(crate) struct TextRoom {
    left: usize,
    is_empty: bool,
}

impl TextRoom {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { left: bytes, is_empty: true }
    }

    /// Uses the room that a message needs. Returns false, and uses none, if too little is left. The first message
    /// always fits.
    pub(crate) fn take(&mut self, message: &Message) -> bool {
        let size = message.text_bytes();
        if size > self.left && !self.is_empty {
            return false;
        }
        self.left = self.left.saturating_sub(size);
        self.is_empty = false;
        true
    }
}
