//! An encoded frame, as the core makes it and the connections write it. Its text is in memory once, however many
//! connections get it. The WebSocket library's type is known to this file and to [`crate::connection`] only.

use axum::extract::ws::Utf8Bytes;

/// The text of one frame. A clone shares the text.
#[derive(Debug, Clone)]
pub struct Frame(Utf8Bytes);

impl Frame {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::ops::Deref for Frame {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// For the socket. This copies and checks nothing.
impl From<Frame> for Utf8Bytes {
    fn from(frame: Frame) -> Self {
        frame.0
    }
}
