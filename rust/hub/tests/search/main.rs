//! Search: what it finds in six scripts, what it sees, and what becomes of an index that can't be used.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod faults;
mod finding;
mod harness;
mod pages;
