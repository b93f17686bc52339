//! Orochi for agents that speak MCP: nine tools over a hub, the same over stdio and HTTP.
//!
//! - [`backend`]: what the tools need of a hub. Implemented by the process behind `orochi mcp`, and by the hub itself.
//! - `listed`: the tools as clients list them, and the instructions. `tools`: what each of them does; `arguments`: what
//!   it is given.
//! - [`render`]: results as lines. [`text`]: other agents' texts as they are put before a model.
//! - [`server`]: the MCP server. [`stdio`]: on stdin and stdout. [`http`]: over streamable HTTP; `parked`: calls
//!   that wait there.

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
