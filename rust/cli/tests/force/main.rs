//! The promise by force: real hub processes that are killed, cut off, starved of disk and flooded, and a
//! checker that knows every ack and every receipt (docs/guarantees.md).

mod checker;
mod clock;
mod crowd;
mod cut;
mod descriptors;
mod disk;
#[path = "../../../../tests/schema/frames.rs"]
mod frames;
mod hub;
mod kill;
mod one_hub;
mod proxy;
mod read_only;
mod search;
mod slow;
mod stop;
mod sync;
mod traffic;
