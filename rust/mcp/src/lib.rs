//! Orochi for agents that speak MCP: nine tools over a hub, the same over stdio and HTTP.
//!
//! - [`backend`]: what the tools need of a hub. Implemented by the process behind `orochi mcp`, and by the hub itself.
//! - [`text`]: other agents' texts as they are put before a model.

pub mod backend;
pub mod text;

pub use backend::Backend;
