//! Under which name a session speaks, and with which hub.
//!
//! The name is looked for in this order: the command line, `OROCHI_AGENT`, the session's entry, the project's
//! entry; else it is made up of the folder and the client. A second live session in one folder gets `-2`. Whether
//! a session lives is decided here and not at the hub, which may think a dead one online for a minute.

pub mod client;
pub mod hub;
pub mod naming;
pub mod registry;

pub use client::Kind;
pub use hub::Hub;
pub use naming::{Claim, claim};
pub use registry::{Registry, SessionEntry};
