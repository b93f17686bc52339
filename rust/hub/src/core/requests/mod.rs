//! One file for each kind of entry, which is a request that lasts. From top to bottom, a file has:
//!
//! 1. the data, and how a request becomes it;
//! 2. its [`super::change::Change`]: the roster and the file, the same on every hub;
//! 3. its [`super::finish::Finish`]: this hub's connections, and the answer.
//!
//! [`super::entry`] lists all kinds, [`super::collect`] has the request of each.

pub(super) mod attend;
pub(super) mod calls;
pub(super) mod heartbeat;
pub(super) mod hubs;
pub(super) mod keep;
pub(super) mod leave;
pub(super) mod message;
pub(super) mod register;
pub(super) mod seen;
pub(super) mod sign_out;
pub(super) mod status;
pub(super) mod subscribe;
pub(super) mod unsubscribe;
