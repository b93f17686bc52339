//! TCP connections below HTTP: accepting them, how long each is waited for, and how many there may be.
//!
//! - [`mod@serve`]: accepts, and serves HTTP on each connection until it ends or becomes a WebSocket.
//! - [`deadline`]: when a connection has been waited for long enough. [`body`]: the same for a request's body.
//! - [`peer`]: one connection's socket, which counts its bytes, and what is known of its other end.
//! - [`doors`]: seats for connections: those that have not authenticated yet, and the others.
//! - [`descriptors`]: the system's limit on open files, from which the number of seats follows.
//!
//! Nothing here knows routes, tokens or the core.

mod body;
mod deadline;
pub mod descriptors;
mod doors;
mod patience;
mod peer;
mod serve;

pub use doors::{Doors, Room};
pub use patience::Patience;
pub use peer::Peer;
pub use serve::serve;
