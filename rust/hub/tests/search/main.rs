//! Search: its results in six scripts, which messages it covers, and the handling of an unusable index.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod faults;
mod finding;
mod harness;
mod pages;
