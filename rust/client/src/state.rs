//! How a client's connection is, for the program and for the task that owns the socket.

/// How a client's connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Registered.
    Connected,
    /// Lost, and being made anew.
    Reconnecting,
    /// Over: closed by the program, or refused for good; [`crate::Inbox::end`] says why.
    Closed,
}
