//! Gitea's webhooks: deliveries become lines in a channel (docs/gitea.md).
//!
//! - [`signature`]: checks the sender. [`event`]: the event, parsed from Gitea's JSON ([`payload`]).
//! - [`mod@line`]: the event as one line for people and agents. [`text`]: makes quoted text safe within it.

pub(crate) mod event;
pub(crate) mod line;
pub(crate) mod payload;
pub(crate) mod signature;
pub(crate) mod text;
