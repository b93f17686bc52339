//! Finds an agent's name and hub.
//!
//! The name comes from the first of these: the command line, `OROCHI_AGENT`, the session's entry, the project's entry,
//! or a name made of the folder and the client. A second live session in the same folder gets `-2`. This machine
//! decides whether a session is alive, because the hub may list a dead one as online for a minute.

pub mod client;
pub mod hub;
pub mod naming;
pub mod registry;

pub use client::Kind;
pub use hub::Hub;
pub use naming::{Claim, claim};
pub use registry::{Registry, SessionEntry};
