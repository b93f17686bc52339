//! Numbers of hubs, connections and sessions.

use serde::{Deserialize, Serialize};

/// A hub from its start to its end: the next start is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HubId(pub u64);

/// A connection's number, never used again while the hub runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnectionId(pub u64);

/// A registered connection, among those of all hubs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionId {
    /// The hub that has the connection.
    pub hub: HubId,
    /// Its number there.
    pub connection: ConnectionId,
}
