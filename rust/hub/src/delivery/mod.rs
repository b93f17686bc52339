//! Delivery: the messages that a connection gets, and its progress through them.
//!
//! - [`interest`]: the rule by which a message is for a connection.
//! - [`coverage`]: the messages that were written to an agent's ended connections.
//! - [`outbox`]: the frames that wait for one connection, and whether the core pushes them (live) or the connection
//!   reads them from the log (behind).
//! - [`catch_up`]: one page of the log for a connection that is behind. [`ring`]: the newest messages in memory, from
//!   which the core hands over the rest when a connection goes live.
//! - [`view`]: a stored message as one receiver sees it.

pub(crate) mod catch_up;
pub(crate) mod coverage;
pub(crate) mod interest;
pub mod outbox;
pub(crate) mod ring;
pub(crate) mod view;
