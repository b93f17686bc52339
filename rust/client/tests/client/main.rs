//! The client with a hub that a test controls: it stalls, refuses, and cuts connections.

mod answers;
mod caught_up;
mod channels;
mod closing;
#[path = "../../../../tests/schema/frames.rs"]
mod frames;
mod introduction;
mod losses;
mod overflow;
mod policy;
mod scripted;
mod sizes;
