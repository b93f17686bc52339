//! The client against a hub that does what a test says: stalls, refuses, cuts.

mod answers;
mod caught_up;
mod channels;
mod closing;
mod introduction;
mod losses;
mod overflow;
mod scripted;
mod sizes;
