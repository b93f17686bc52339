//! A request's parts as typed values.
//!
//! - [`query`]: the query string. [`body`]: a body as fields. [`rows`]: where a list of rows continues.

pub(in crate::api) mod body;
pub(in crate::api) mod query;
pub(in crate::api) mod rows;
