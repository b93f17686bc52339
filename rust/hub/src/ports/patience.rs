//! How long the hub waits for a connection. No user setting: tests make the times short.

use std::time::Duration;

/// Deadlines of connections (the protocol's sections 7 and 9).
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Time between the hub's pings.
    pub ping_every: Duration,
    /// A WebSocket that says nothing for so long, not even a pong, is gone.
    pub silent: Duration,
    /// A connection that takes not a byte of what is written to it for so long is too slow (a WebSocket gets 4008).
    pub stuck: Duration,
    /// From the connection, or the first byte of a further request, to the end of the request's head.
    pub head: Duration,
    /// A request's body of which nothing comes for so long has broken off.
    pub body: Duration,
    /// Between two requests of one connection.
    pub idle: Duration,
    /// How long a dashboard login is valid: a working day.
    pub login: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            ping_every: Duration::from_secs(20),
            silent: minute,
            stuck: minute,
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            login: 12 * 60 * minute,
        }
    }
}
