//! TCP connections below HTTP: accepts them and limits their number and time.
//!
//! - [`mod@serve`]: accepts connections, and serves HTTP on each one until it ends or becomes a WebSocket.
//! - [`deadline`]: the deadline of a connection. [`body`]: the timeout of a request's body.
//! - [`peer`]: a connection's socket, which counts its bytes, and the state shared by all that handle it.
//! - [`doors`]: seats for connections with and without authentication.
//! - [`descriptors`]: the system's limit on open files, which determines the number of seats.
//!
//! Nothing here knows routes, tokens or the core.

mod body;
mod deadline;
pub(crate) mod descriptors;
mod doors;
mod patience;
mod peer;
mod serve;

pub(crate) use doors::{Doors, Room};
pub use patience::Patience;
pub(crate) use peer::Peer;
pub(crate) use serve::serve;
