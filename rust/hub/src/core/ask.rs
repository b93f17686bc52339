//! The other half of a request, which never leaves its hub: who waits for the answer, and what is asked that changes
//! nothing lasting.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::reply::PresenceAnswer;
use orochi_protocol::{Refusal, Seq};
use tokio::sync::oneshot;

use super::Accepted;
use crate::delivery::outbox::Outbox;
use crate::roster::ConnectionId;
use crate::store::Call;

/// One request of a batch, in the order in which they came.
pub(super) enum Ask {
    /// Waits for what becomes of the batch's next entry.
    Entry(Asker),
    Observe {
        connection: ConnectionId,
        after: Option<Seq>,
        outbox: Arc<Outbox>,
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Frames that the connection's task made; they wait for the replies before them.
    Reply {
        connection: ConnectionId,
        frames: Vec<Utf8Bytes>,
    },
    /// A request that was refused before it was proposed.
    Refused {
        connection: ConnectionId,
        id: String,
        refusal: Refusal,
    },
    Presence {
        detail: bool,
        answer: oneshot::Sender<PresenceAnswer>,
    },
    Barrier(oneshot::Sender<()>),
    Probe {
        answer: oneshot::Sender<Result<(), Refusal>>,
        done: Option<Result<(), Refusal>>,
    },
    ResetWal {
        answer: oneshot::Sender<Result<bool, Refusal>>,
        done: Option<Result<bool, Refusal>>,
    },
}

/// Who waits for what becomes of an entry.
pub(super) enum Asker {
    Nobody,
    /// The sender of a message, by its connection. The message has the request's id.
    Sender(ConnectionId),
    /// A message over HTTP.
    Post(oneshot::Sender<Result<Accepted, Refusal>>),
    /// A registered connection's other requests.
    Connection {
        connection: ConnectionId,
        id: String,
    },
    Register(Box<RegisterAsker>),
    /// Whoever waits for the disk.
    Stored(oneshot::Sender<Result<(), Refusal>>),
    Call(oneshot::Sender<Result<Call, Refusal>>),
}

/// The connection that registers.
pub(super) struct RegisterAsker {
    pub(super) connection: ConnectionId,
    pub(super) id: String,
    pub(super) outbox: Arc<Outbox>,
    pub(super) answer: oneshot::Sender<bool>,
}

impl Ask {
    /// About how many bytes its texts have.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Ask::Reply { frames, .. } => frames.iter().map(|frame| frame.len()).sum(),
            _ => 0,
        }
    }

    /// Whether it uses the store beside the batch's transaction.
    pub(super) fn needs_store(&self) -> bool {
        matches!(self, Ask::ResetWal { .. } | Ask::Probe { .. })
    }
}
