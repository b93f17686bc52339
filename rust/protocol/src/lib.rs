//! The Orochi wire protocol as data and rules: no socket, no clock, no runtime.
//!
//! Read in this order:
//!
//! 1. [`limits`], [`codes`]: the protocol's numbers, error codes and close codes.
//! 2. [`letters`], [`names`], [`mentions`], [`time`], [`seq`], [`reach`]: types whose values are always valid.
//!    [`secret`]: a text that is never printed.
//! 3. [`fields`]: typed access to a payload, with errors that name the field. [`identity`]: an agent's five texts.
//! 4. [`request`]: requests from clients, parsed once into a [`request::Request`].
//! 5. [`delivery`], [`reply`]: frames from the hub. [`paging`]: answers that are cut to a size.
//! 6. [`incoming`]: frames from the hub, as a client reads them.
//!
//! Every item names the section of docs/protocol.md that it implements.

pub mod codes;
pub mod delivery;
pub mod fences;
pub mod fields;
pub mod identity;
pub mod incoming;
mod json;
pub mod letters;
pub mod limits;
pub mod mentions;
pub mod names;
pub mod paging;
pub mod reach;
pub mod reply;
pub mod request;
pub mod secret;
pub mod seq;
pub mod time;

pub use codes::{CloseCode, ErrorCode, ReceivedCode, Refusal};
pub use identity::Identity;
pub use names::{AgentName, ChannelName, Target};
pub use reach::Reach;
pub use secret::Secret;
pub use seq::Seq;
pub use time::Timestamp;

/// The sender of every frame that the hub itself creates (section 1).
pub const HUB_SENDER: &str = "orochi-server";
