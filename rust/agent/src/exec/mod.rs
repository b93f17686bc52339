//! `orochi listen --exec`: runs a command for each message, so that a shell script can be an agent.
//!
//! A message counts as seen once its command exited with 0, or failed so often that the message was put aside. What is
//! killed in between is run again by the next listener. The name's journal keeps what was dealt with behind the hub's
//! cursor from being run a second time.

mod command;
mod job;
mod journal;
mod queue;
mod runner;

pub use job::{Job, Options};
pub use runner::{PAUSES, Runner};
