//! The half of a request that never leaves its hub: the requester that waits for the answer, and queries that change
//! nothing lasting.

use std::sync::Arc;

use orochi_protocol::reply::PresenceAnswer;
use orochi_protocol::{Refusal, Seq};
use tokio::sync::oneshot;

use super::Accepted;
use crate::delivery::outbox::Outbox;
use crate::frame::Frame;
use crate::roster::ConnectionId;
use crate::store::CallState;

/// One request of a batch, in the order of arrival.
pub(super) enum Ask {
    /// Waits for the outcome of the batch's next entry.
    Entry(Asker),
    Observe {
        connection: ConnectionId,
        after: Option<Seq>,
        outbox: Arc<Outbox>,
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Frames that the connection's task made. They keep their order among the core's replies.
    Reply {
        connection: ConnectionId,
        frames: Vec<Frame>,
    },
    /// A request refused before it was proposed.
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

/// The requester of an entry.
pub(super) enum Asker {
    Nobody,
    /// The sender of a message. The message has the request's id.
    Sender(ConnectionId),
    /// An HTTP request with a message.
    Post(oneshot::Sender<Result<Accepted, Refusal>>),
    /// A registered connection, for all requests but messages.
    Connection {
        connection: ConnectionId,
        id: String,
    },
    Register(Box<RegisterAsker>),
    /// A request that needs only the result of the commit.
    Stored(oneshot::Sender<Result<(), Refusal>>),
    Call(oneshot::Sender<Result<CallState, Refusal>>),
}

/// The connection that registers, and the request's id.
pub(super) struct RegisterAsker {
    pub(super) connection: ConnectionId,
    pub(super) id: String,
    pub(super) outbox: Arc<Outbox>,
    pub(super) answer: oneshot::Sender<bool>,
}

impl Ask {
    /// The approximate size of its texts.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Ask::Reply { frames, .. } => frames.iter().map(|frame| frame.len()).sum(),
            _ => 0,
        }
    }

    /// True for requests that use the store outside the batch's transaction.
    pub(super) fn needs_store(&self) -> bool {
        matches!(self, Ask::ResetWal { .. } | Ask::Probe { .. })
    }
}
