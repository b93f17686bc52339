//! Numbers of hubs, connections and sessions.

use serde::{Deserialize, Serialize};

/// One run of a hub, from its start to its end. A restart has a new number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(
    not(feature = "sim"),
    expect(unreachable_pub, reason = "only the tests of a shared log use it from outside")
)]
pub struct HubId(pub u64);

/// A connection's number, never used again while the hub runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnectionId(pub u64);

/// A session's key: a registered connection, unique among all hubs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SessionId {
    /// The hub that has the connection.
    pub hub: HubId,
    pub connection: ConnectionId,
}
