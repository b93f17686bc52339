//! The hub's HTTP side over real sockets: a whole hub on free ports with its own log. Requests come from an HTTP
//! client, from WebSockets, and byte by byte where a client would not allow them.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod dashboard;
mod deadlines;
#[path = "../../../../tests/schema/frames.rs"]
mod frames;
mod fuzz;
mod harness;
mod log_file;
mod logins;
mod lost;
mod posting;
mod reading;
mod refusals;
mod sockets;
mod strangers;
mod wal;
