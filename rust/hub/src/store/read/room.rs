//! How much text an answer may hold.

use crate::store::StoredMessage;

/// Text of one answer's messages over HTTP, at most, unless a single one is larger. A request for hundreds of rows of
/// 256 KiB each gets them in several answers.
pub const ANSWER_TEXT_MAX: usize = 8 * 1024 * 1024;

/// The room that is left in an answer.
#[derive(Debug)]
pub struct TextRoom {
    left: usize,
    is_empty: bool,
}

impl TextRoom {
    /// Room for this many bytes of text.
    pub fn new(bytes: usize) -> Self {
        Self { left: bytes, is_empty: true }
    }

    /// Takes the room that a message needs; false where there is too little, and nothing is taken then. The first
    /// message always fits.
    pub fn take(&mut self, message: &StoredMessage) -> bool {
        let size = message.content.len() + message.metadata.len() + message.extra.as_ref().map_or(0, String::len);
        if size > self.left && !self.is_empty {
            return false;
        }
        self.left = self.left.saturating_sub(size);
        self.is_empty = false;
        true
    }
}
