//! The client against a hub that does what a test says: stalls, refuses, cuts.

mod closing;
mod losses;
mod overflow;
mod scripted;
