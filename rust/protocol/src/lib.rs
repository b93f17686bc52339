//! The Orochi wire protocol as data and rules: no socket, no clock, no runtime.
//!
//! Read in this order:
//!
//! 1. [`limits`], [`codes`]: the numbers and the error and close codes of the contract.
//! 2. [`letters`], [`names`], [`mentions`], [`time`], [`seq`], [`reach`]: values that can only be made valid.
//! 3. [`fields`]: typed access to a payload, with errors that name the field.
//! 4. [`request`]: what a client sends, parsed once into a [`request::Request`].
//! 5. [`delivery`], [`reply`]: what the hub sends. [`paging`]: answers that are cut for their size.
//! 6. [`incoming`]: how a client reads what the hub sent.
//!
//! Every item names the section of docs/protocol.md that it implements.

pub mod codes;
pub mod delivery;
pub mod fences;
pub mod fields;
pub mod incoming;
pub mod letters;
pub mod limits;
pub mod mentions;
pub mod names;
pub mod paging;
pub mod reach;
pub mod reply;
pub mod request;
pub mod seq;
pub mod time;

pub use codes::{CloseCode, ErrorCode, Refusal};
pub use names::{AgentName, ChannelName, Target};
pub use reach::Reach;
pub use seq::Seq;
pub use time::Timestamp;

/// The sender name of every frame that the hub itself makes (section 1).
pub const HUB_SENDER: &str = "orochi-server";
