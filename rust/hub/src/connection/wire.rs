//! How WebSockets are read and written here, for every port: limits, buffers, and how a connection ends that breaks the
//! rules of RFC 6455.

use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use orochi_protocol::CloseCode;
use orochi_protocol::limits::FRAME_BYTES_MAX;

/// A frame over the limit is still read whole up to here, so that its sender gets the close with 1009: a socket
/// that is closed with unread bytes is reset by the system, and the close with it. A larger one is not waited for.
const READ_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;
/// Bytes read from a socket at once. Each idle connection holds this much, and thousands are idle.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Frames are gathered up to here before they are written to the socket.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// What may wait in a socket's buffer while the kernel takes no more; a frame must fit.
const WRITE_BUFFER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An upgrade with the hub's limits and buffers.
pub fn configure(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
}

/// Whether a message is larger than a frame may be.
pub fn is_too_big(message: &Message) -> bool {
    let bytes = match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        // Control frames hold at most 125 bytes.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    };
    bytes > FRAME_BYTES_MAX
}

/// A frame over the limit of which it is still worth reading whose request it is: up to twice the limit.
pub fn readable_text(message: &Message) -> Option<&str> {
    let text = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(bytes) => std::str::from_utf8(bytes).ok()?,
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return None,
    };
    (text.len() <= 2 * FRAME_BYTES_MAX).then_some(text)
}

/// The close frame of this code.
pub fn close_frame(code: CloseCode) -> Message {
    Message::Close(Some(CloseFrame { code: code.as_u16(), reason: code.reason().into() }))
}

/// The close frame that RFC 6455 asks for after a read error; None where the connection is just gone.
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
