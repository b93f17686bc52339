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

#![deny(unreachable_pub)]

mod api;
mod clock;
mod config;
mod connection;
mod core;
mod delivery;
mod frame;
mod gitea;
mod http_client;
mod links;
mod log_watch;
mod mailbox;
mod markdown;
mod mcp;
mod ports;
mod roster;
mod search;
mod server;
mod store;

pub use config::{Checked, Config, ConfigError, LogFormat, parse_port, variables};
pub use http_client::builder as http_client_builder;
pub use ports::Patience;
pub use server::{Hub, Ready, ServeError, serve};
pub use store::{Forgettable, Store, StoreError, path as log_path};

/// Parts of the hub for its own tests and examples. Other programs should not use them.
pub mod parts {
    pub use crate::api::dashboard::digest;
    pub use crate::connection::wire;
    pub use crate::delivery::outbox;

    /// The thread that owns all state.
    pub mod core {
        pub use crate::core::{
            Accepted, AgentAction, Command, ConnectionId, Core, Writing, start, start_writing, system_clock,
        };
        #[cfg(feature = "sim")]
        pub use crate::core::{HubId, sim, start_in};
    }

    /// The task that keeps the write-ahead log small.
    pub mod log_watch {
        pub use crate::log_watch::{reset_wal, watch};
    }

    /// The index of words.
    pub mod search {
        pub use crate::search::{Cursor, Found, Order, Query, Request, Search};
    }

    /// The log on disk.
    pub mod store {
        pub use crate::store::{
            AgentRecord, Appended, CallState, Forgettable, Lane, Loaded, Message, Pair, Place, Reader, Reads, Store,
            StoreError,
        };
    }
}
