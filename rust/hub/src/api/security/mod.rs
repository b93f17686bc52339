//! Who may send a request, and from where.
//!
//! - [`origin`]: the Host and Origin rules. [`token`]: the token. [`login`]: what a browser holds that
//!   has signed in. [`sign_in`]: the routes for that.
//! - [`headers`]: the security headers of every answer.

pub(in crate::api) mod headers;
pub(in crate::api) mod login;
pub(in crate::api) mod origin;
pub(in crate::api) mod sign_in;
pub(in crate::api) mod token;
