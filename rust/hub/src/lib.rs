//! The Orochi hub: a durable, ordered log of messages with channels, mentions, presence and history in
//! front of it.
//!
//! Read in this order; imports go only downwards:
//!
//! 1. [`config`]: what the hub is told: flags and variables.
//! 2. [`server`]: binds both ports, starts the core, stops in order. [`log_watch`]: looks after the log's files.
//! 3. [`ports`]: TCP connections below HTTP. [`connection`]: one task a WebSocket, agents' and observers'.
//! 4. [`api`]: the HTTP routes, and who may use them. [`dashboard`]: the page.
//! 5. [`calls`]: calls to Gitea, each made once. [`gitea`]: the calls, which know nothing of the hub around them.
//!    [`http_client`]: HTTP out.
//!    [`bridge`]: what happens at Gitea, as messages. [`webhook`]: Gitea's deliveries as lines.
//! 6. [`core`]: the one thread that owns all state; takes commands in batches, commits, delivers, answers.
//! 7. [`outbox`]: what waits for one connection. [`view`]: a stored message as one receiver sees it.
//!    [`markdown`]: a text as HTML that a page may show. [`digest`]: what was said lately, counted.
//! 8. [`registry`]: who is connected, in which channels, and what is known of each agent.
//! 9. [`search`]: the index of words, a file of its own behind the log.
//! 10. [`store`]: the log on disk. [`clock`]: the system's clock.

pub mod api;
pub mod bridge;
pub mod calls;
pub mod clock;
pub mod config;
pub mod connection;
pub mod core;
pub mod dashboard;
pub mod digest;
pub mod gitea;
pub mod http_client;
pub mod log_watch;
pub mod markdown;
pub mod outbox;
pub mod ports;
pub mod registry;
pub mod search;
pub mod server;
pub mod store;
pub mod view;
pub mod webhook;
