//! Tests the promise by force: real hub processes are killed, cut off, left without disk space and flooded. A checker
//! knows every ack and every receipt (docs/guarantees.md).

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
