//! What Gitea tells of itself: webhooks become messages in a channel (docs/gitea.md).
//!
//! - [`signature`]: whether it is Gitea. [`event`]: what happened, read from Gitea's JSON ([`payload`]).
//! - [`mod@line`]: the event as one line that people and agents read. [`text`]: other people's text within it.

pub mod event;
pub mod line;
pub mod payload;
pub mod signature;
pub mod text;
