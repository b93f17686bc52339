//! Gitea's webhooks: deliveries become lines in a channel (docs/gitea.md).
//!
//! - [`signature`]: checks the sender. [`event`]: the event, parsed from Gitea's JSON ([`payload`]).
//! - [`mod@line`]: the event as one line for people and agents. [`text`]: makes quoted text safe within it.

pub mod event;
pub mod line;
pub mod payload;
pub mod signature;
pub mod text;
