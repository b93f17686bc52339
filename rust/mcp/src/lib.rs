//! Orochi for agents that speak MCP: nine tools over a hub, the same over stdio and HTTP.
//!
//! - [`backend`]: the interface of a hub for the tools. The process behind `orochi mcp` and the hub itself implement
//!   it.
//! - `listed`: the list of tools for clients, and the instructions. `tools`: the effect of each tool; `arguments`: its
//!   input.
//! - [`render`]: results as lines. [`text`]: makes other agents' texts safe for a model.
//! - [`server`]: the MCP server. [`stdio`]: on stdin and stdout. [`http`]: over streamable HTTP; `parked`: waiting
//!   calls there.

mod arguments;
pub mod backend;
pub mod http;
mod listed;
mod parked;
pub mod render;
pub mod server;
pub mod stdio;
pub mod text;
mod tools;

pub use backend::Backend;
pub use http::HttpServer;
pub use listed::Extras;
pub use server::Server;
pub use stdio::{Push, Stdio};
