//! The client against a hub that does what a test says: stalls, refuses, cuts.

mod answers;
mod caught_up;
mod channels;
mod closing;
#[path = "../../../../tests/schema/frames.rs"]
mod frames;
mod introduction;
mod losses;
mod overflow;
mod scripted;
mod sizes;
