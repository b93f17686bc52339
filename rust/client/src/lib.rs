//! A client of an Orochi hub. It connects, registers, matches answers to requests, and keeps received frames until they
//! are consumed. It reconnects on its own and neither loses nor repeats a message (docs/protocol.md, section 9).
//!
//! Read in this order:
//!
//! 1. [`client`]: the handle, with the requests. `state`: what the task reports. `answer`: the hub's answers.
//! 2. [`options`], [`error`], [`inbox`]: settings, errors, and received frames.
//! 3. `task`: the task that owns the connection. `connection`: one socket. `frames`: what is written to it.
//! 4. `outstanding`: unanswered requests. `caller`: their receivers.
//! 5. `resumption`: how far the log was received. `seen`: how far it was handled. [`reconnect`]: whether and when the
//!    client connects again. `dialect`: all that differs for a 0.1.0 hub.
//! 6. [`queued`]: the handle for callers without futures. Their answers go to a queue.

#![deny(unreachable_pub)]

mod answer;
mod caller;
mod client;
mod connection;
mod dialect;
mod error;
mod frames;
mod inbox;
mod options;
mod outstanding;
mod queued;
pub mod reconnect;
mod resumption;
mod seen;
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
