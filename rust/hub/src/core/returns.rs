//! Requests to go live, from connections that have read the log to near its head. They pass the waiting commands: the
//! messages among those could push the connection's next ones out of the ring.

use std::sync::{Arc, Mutex, PoisonError};

use orochi_protocol::Seq;

use crate::roster::ConnectionId;

/// The waiting requests. A clone is another handle to the same. Each connection waits once.
#[derive(Debug, Clone, Default)]
pub(super) struct Returns(Arc<Mutex<Vec<(ConnectionId, Seq)>>>);

impl Returns {
    pub(super) fn add(&self, connection: ConnectionId, position: Seq) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((connection, position));
    }

    pub(super) fn take(&self) -> Vec<(ConnectionId, Seq)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
