//! `orochi listen --exec`: runs a command for each message, so that a shell script can be an agent.
//!
//! A message counts as seen once its command exited with 0, or failed so often that the message was put aside. If the
//! listener is killed in between, the next one runs the command again. The name's journal prevents a second run for
//! messages that were handled after the hub's cursor.

mod command;
mod job;
mod journal;
mod queue;
mod runner;

pub use job::{Job, Options};
pub use runner::{PAUSES, Runner};
