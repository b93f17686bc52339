//! Connections that have read the log to near its head and ask to go on live. They pass the commands that wait: what
//! the core takes from all senders before it would outrun the newest messages that it keeps in memory.

use std::sync::{Arc, Mutex, PoisonError};

use orochi_protocol::Seq;

use crate::roster::ConnectionId;

/// Where they wait; a clone is another handle to the same place. Each connection waits once.
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
