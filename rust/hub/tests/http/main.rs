//! The hub's HTTP side over real sockets: a whole hub on free ports with a log of its own, asked by an HTTP
//! client, by WebSockets, and byte by byte where a client would not let one.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod dashboard;
mod deadlines;
#[path = "../../../../tests/schema/frames.rs"]
mod frames;
mod fuzz;
mod harness;
mod log_file;
mod lost;
mod posting;
mod reading;
mod refusals;
mod sessions;
mod sockets;
mod strangers;
mod wal;
