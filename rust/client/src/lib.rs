//! A client of an Orochi hub. It connects, registers, matches answers to requests, and keeps received frames until they
//! are consumed. It reconnects on its own and neither loses nor repeats a message (docs/protocol.md, section 9).
//!
//! Read in this order:
//!
//! 1. [`client`]: the handle, with the requests. `state`: its connection's state. `answer`: the hub's answers.
//! 2. [`options`], [`error`], [`inbox`]: settings, errors, and received frames.
//! 3. `task`: the task that owns the socket. `session`: one connection of the task.
//! 4. `outstanding`: unanswered requests. `caller`: their receivers. `backoff`: the waits between connection attempts.
//! 5. [`queued`]: the handle for callers without futures. Their answers go to a queue.

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
