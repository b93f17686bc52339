//! The Orochi hub: a durable, ordered log of messages with channels, mentions, presence and history in
//! front of it.
//!
//! Read in this order; imports go only downwards:
//!
//! 1. [`config`]: what the hub is told: flags and variables.
//! 2. [`server`]: binds both ports, starts the core, stops in order. [`log_watch`]: looks after the log's files.
//! 3. [`ports`]: TCP connections below HTTP. [`connection`]: one task a WebSocket, agents' and observers'.
//! 4. [`api`]: the HTTP routes, and who may use them; the dashboard's page.
//! 5. [`gitea`]: calls to Gitea, and what happens at Gitea as messages. [`http_client`]: HTTP out.
//! 6. [`core`]: the one thread that owns all state; takes commands in batches, commits, delivers, answers.
//! 7. [`links`]: this hub's connections. [`roster`]: agents, what is kept of them, and their sessions.
//! 8. [`delivery`]: which messages a connection gets, and how far it is. [`frame`]: an encoded frame.
//! 9. [`search`]: the index of words, a file of its own behind the log. [`markdown`]: a text as HTML.
//!    [`mailbox`]: what waits for an agent that asks over HTTP. [`mcp`]: the tools of MCP.
//! 10. [`store`]: the log on disk. [`clock`]: the system's clock.

mod api;
mod clock;
pub mod config;
pub mod connection;
pub mod core;
pub mod delivery;
pub mod frame;
mod gitea;
pub mod http_client;
mod links;
pub mod log_watch;
mod mailbox;
mod markdown;
mod mcp;
pub mod ports;
mod roster;
pub mod search;
pub mod server;
pub mod store;

// For tests.
pub use api::dashboard::digest;
