//! The state of a client's connection, for the program and for the task that owns the socket.

/// The state of a client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Registered.
    Connected,
    /// Lost; the client reconnects.
    Reconnecting,
    /// Closed by the program, or refused for good; [`crate::Inbox::end`] has the reason.
    Closed,
}
