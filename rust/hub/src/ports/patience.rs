//! The deadlines of connections. They are not settings for users; tests make them short.

use std::time::Duration;

/// The deadlines of connections (the protocol's sections 7 and 9).
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The interval of the hub's pings.
    pub ping_every: Duration,
    /// A WebSocket without any bytes for this time, not even a pong, is closed.
    pub silent: Duration,
    /// A connection whose peer reads nothing for this time is closed (a WebSocket gets 4008).
    pub stuck: Duration,
    /// The time from the connection, or from the first byte of a later request, to the end of the request's head.
    pub head: Duration,
    /// The longest wait for the next bytes of a request's body.
    pub body: Duration,
    /// The longest time between two requests of one connection.
    pub idle: Duration,
    /// The lifetime of a dashboard login: a working day.
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
