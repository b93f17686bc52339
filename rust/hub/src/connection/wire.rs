//! Limits and buffers of WebSockets on every port, and the close codes for peers that break RFC 6455.

use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use orochi_protocol::CloseCode;
use orochi_protocol::limits::FRAME_BYTES_MAX;

/// A frame over the limit is still read whole up to this size, so that its sender gets the close with 1009: if a socket
/// is closed with unread bytes, the system resets it and the close frame is lost. A larger frame is not read.
const READ_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;
/// Bytes read from a socket at once. Each connection holds this buffer, and thousands are idle.
const READ_BUFFER_BYTES: usize = 2 * 1024;
/// Frames are gathered up to this size before a write to the socket.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// The largest buffer of a socket while the kernel accepts no more. A whole frame must fit.
const WRITE_BUFFER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Configures an upgrade with the hub's limits and buffers.
pub fn configure(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
}

/// Returns whether a message is larger than a frame may be.
pub fn is_too_big(message: &Message) -> bool {
    let bytes = match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        // Control frames have at most 125 bytes.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    };
    bytes > FRAME_BYTES_MAX
}

/// The text of a frame over the limit, if it is small enough (twice the limit) to find the request's id.
pub fn readable_text(message: &Message) -> Option<&str> {
    let text = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(bytes) => std::str::from_utf8(bytes).ok()?,
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return None,
    };
    (text.len() <= 2 * FRAME_BYTES_MAX).then_some(text)
}

pub fn close_frame(code: CloseCode) -> Message {
    Message::Close(Some(CloseFrame { code: code.as_u16(), reason: code.reason().into() }))
}

/// The close frame that RFC 6455 requires after a read error; None if the connection is just gone.
pub fn close_frame_after(error: &axum::Error) -> Option<Message> {
    use std::error::Error as _;
    use tokio_tungstenite::tungstenite::Error;
    let source = error.source()?.downcast_ref::<Error>()?;
    let (code, reason) = match source {
        Error::Capacity(_) => return Some(close_frame(CloseCode::TooBig)),
        Error::Utf8(_) => (1007, "text is not UTF-8"),
        Error::Protocol(_) => (1002, "WebSocket protocol error"),
        _ => return None,
    };
    Some(Message::Close(Some(CloseFrame { code, reason: reason.into() })))
}
