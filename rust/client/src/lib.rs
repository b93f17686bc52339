//! A client of an Orochi hub: it connects, registers, matches answers to requests, keeps received frames
//! until they are consumed, and reconnects by itself without losing or doubling a message (docs/protocol.md,
//! section 9).
//!
//! Read in this order:
//!
//! 1. [`client`]: the handle, with the requests. `state`: its connection's state. `answer`: the hub's answers.
//! 2. [`options`], [`error`], [`inbox`]: its settings, its errors, the frames it received.
//! 3. `task`: the task that owns the socket; `session`: one connection of it.
//! 4. `outstanding`: requests that wait for an answer; `caller`: their receivers; `backoff`: when to reconnect.
//! 5. [`queued`]: the handle for callers without futures, whose answers go to a queue.

#![deny(unreachable_pub)]

mod answer;
mod backoff;
mod caller;
mod client;
mod error;
mod inbox;
mod options;
mod outstanding;
mod queued;
mod session;
mod state;
mod task;

pub use answer::Answer;
pub use caller::Answers;
pub use client::{Client, Outgoing, Receipt};
pub use error::Error;
pub use inbox::{Inbox, Incoming};
pub use options::Options;
pub use queued::Queued;
pub use state::State;
