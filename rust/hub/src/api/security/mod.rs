//! Access checks for requests.
//!
//! - [`origin`]: the Host and Origin rules. [`token`]: the token. [`login`]: logins of browsers. [`sign_in`]: the
//!   routes for logins.
//! - [`headers`]: the security headers of every answer.

pub(in crate::api) mod headers;
pub(in crate::api) mod login;
pub(in crate::api) mod origin;
pub(in crate::api) mod sign_in;
pub(in crate::api) mod token;
