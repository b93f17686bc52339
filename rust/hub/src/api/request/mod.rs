//! A request's parts as typed values: extractors for the routes.
//!
//! - [`path`]: the path's parameters. [`query`]: the query string. [`body`]: a body as fields.

pub(in crate::api) mod body;
pub(in crate::api) mod path;
pub(in crate::api) mod query;
