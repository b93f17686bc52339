//! The log on disk, through the store alone: the file's contents after commits, refusals, reopenings and upgrades.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod digest;
mod harness;
mod opening;
mod pool;
mod reading;
mod upgrade;
mod writing;
