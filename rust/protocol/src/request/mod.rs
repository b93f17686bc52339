//! Requests from clients, parsed once: the envelope (section 1) and one type for each request (sections 5, 8, 9).
//!
//! A request is one file, with its payload, and one line in the list of [`Request`].

mod envelope;
mod gitea;
mod heartbeat;
mod message;
mod payload;
mod presence;
mod query;
mod receipts;
mod register;
mod status;
mod subscribe;
mod unsubscribe;

use std::borrow::Cow;

pub use envelope::{check_id, read_id};
pub use gitea::GiteaCall;
pub use heartbeat::Heartbeat;
pub use message::Draft;
pub use payload::Payload;
pub use presence::Presence;
pub use query::{HistoryFilter, HistoryQuery, Order};
pub use receipts::Receipts;
pub use register::{Conflict, EventKind, Register, Resume};
pub use status::StatusUpdate;
pub use subscribe::Subscribe;
pub use unsubscribe::Unsubscribe;

use crate::codes::{ErrorCode, Refusal};
use crate::fields::Fields;
use crate::names::shown;
use envelope::{Envelope, parse_envelope};

/// Defines [`Request`], and finds a payload by its type's name, from one list: each line is a variant and its payload,
/// which must be a [`Payload`].
macro_rules! requests {
    ($($(#[$doc:meta])* $variant:ident($payload:ty),)*) => {
        /// All requests of clients.
        #[derive(Debug)]
        pub enum Request {
            $($(#[$doc])* $variant($payload),)*
        }

        impl Request {
            /// Returns whether the request needs a register on its connection first (section 10, Before register).
            pub fn needs_register(&self) -> bool {
                match self {
                    $(Request::$variant(_) => <$payload as Payload>::NEEDS_REGISTER,)*
                }
            }

            fn parse(kind: &str, payload: &Fields<'_>) -> Result<Self, Refusal> {
                match kind {
                    $(<$payload as Payload>::TYPE => <$payload as Payload>::parse(payload).map(Request::$variant),)*
                    other => Err(unknown_type(other)),
                }
            }
        }

        /// As [`Request::needs_register`], for a request whose payload is refused; false for an unknown type.
        fn type_needs_register(kind: &str) -> bool {
            match kind {
                $(<$payload as Payload>::TYPE => <$payload as Payload>::NEEDS_REGISTER,)*
                _ => false,
            }
        }
    };
}

requests! {
    /// Join under a name (sections 5 and 9).
    Register(Box<Register>),
    /// Send a message (section 5).
    Message(Box<Draft>),
    /// Join a channel.
    Subscribe(Subscribe),
    /// Leave a channel.
    Unsubscribe(Unsubscribe),
    /// List the online agents.
    Presence(Presence),
    /// Read the message history (sections 5 and 9).
    Query(Box<HistoryQuery>),
    /// Send a sign of life and the agent's progress (section 9, Seen).
    Heartbeat(Heartbeat),
    /// Set the agent's status (section 9, Status).
    StatusUpdate(Box<StatusUpdate>),
    /// Call Gitea (section 8).
    Gitea(GiteaCall),
    /// Read how far a message got (section 9, Receipts).
    Receipts(Receipts),
}

/// One frame from a client.
#[derive(Debug)]
pub struct RequestFrame {
    /// The request's id; None if the hub has to create one.
    pub id: Option<String>,
    /// The sender that the client claims to be. The hub compares it with the registered name.
    pub sender: Option<String>,
    pub request: Request,
}

/// A refused frame, with its id for the reply if it could be read.
#[derive(Debug)]
pub struct BadFrame {
    pub refusal: Refusal,
    pub id: Option<String>,
    /// The frame's sender, which is checked before the payload.
    pub sender: Option<String>,
    /// The type is known and needs a register first.
    pub needs_register: bool,
}

/// Parses one frame (section 1).
///
/// # Errors
/// The refusal, and the id for the reply.
pub fn parse(text: &str) -> Result<RequestFrame, Box<BadFrame>> {
    let envelope = parse_envelope(text).map_err(|(refusal, id)| {
        Box::new(BadFrame { refusal, id: id.map(Cow::into_owned), sender: None, needs_register: false })
    })?;
    let Envelope { kind, id, sender, payload } = envelope;
    let (id, sender) = (id.map(Cow::into_owned), sender.map(Cow::into_owned));
    match Request::parse(&kind, &payload) {
        Ok(request) => Ok(RequestFrame { id, sender, request }),
        Err(refusal) => Err(Box::new(BadFrame { refusal, id, sender, needs_register: type_needs_register(&kind) })),
    }
}

fn unknown_type(kind: &str) -> Refusal {
    let detail = format!("{} is not a request type: see the protocol's table of types", shown(kind));
    Refusal::new(ErrorCode::UnknownType, detail)
}
