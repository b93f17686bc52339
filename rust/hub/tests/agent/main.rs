//! The agent port over real sockets: a whole hub on free ports with its own log, and WebSockets that act as agents,
//! observers and broken clients.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod caught_up;
mod delivery;
mod direct;
mod errors;
#[path = "../../../../tests/schema/frames.rs"]
mod frames;
mod gone;
mod harness;
mod history;
mod inbox;
mod membership;
mod observers;
mod order;
mod patience;
mod reach;
mod receipts;
mod restart;
mod resume;
mod sessions;
mod sizes;
mod slow;
mod words;
