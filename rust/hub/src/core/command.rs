//! The requests to the core thread. Each command carries the receiver of its answer: the connection's outbox, or a
//! one-shot channel.

use std::sync::Arc;

use orochi_protocol::reply::{DeliveryState, PresenceAnswer, ReceiptsAnswer};
use orochi_protocol::request::{Draft, Heartbeat, Register, StatusUpdate, Subscribe, Unsubscribe};
use orochi_protocol::{AgentName, ChannelName, Reach, Refusal, Seq, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::sync::oneshot;

use crate::delivery::outbox::Outbox;
use crate::frame::Frame;
use crate::roster::ConnectionId;
use crate::store::{CallState, Marks, Message};

/// A request of a connection or of HTTP to the core.
#[derive(Debug)]
pub enum Command {
    /// A register. Answered in the outbox.
    Register {
        connection: ConnectionId,
        id: String,
        name: AgentName,
        /// The rest of the request.
        register: Box<Register>,
        /// The outbox for the connection's frames.
        outbox: Arc<Outbox>,
        /// True if the register was accepted.
        answer: oneshot::Sender<bool>,
    },
    /// An observer connects; it gets everything from now on, or after a position in the log.
    Observe {
        connection: ConnectionId,
        /// Messages after this position come first.
        after: Option<Seq>,
        /// The outbox for the connection's frames.
        outbox: Arc<Outbox>,
        /// The result: a refusal of `after`, or Ok.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// A registered agent's request. Answered in its outbox.
    Agent {
        connection: ConnectionId,
        /// The request's id, for the reply.
        id: String,
        action: AgentAction,
    },
    /// The online agents; also for a connection that has not registered.
    Presence {
        /// True to add each agent's row.
        detail: bool,
        answer: oneshot::Sender<PresenceAnswer>,
    },
    /// A message over HTTP.
    Post {
        sender: AgentName,
        id: String,
        draft: Box<Draft>,
        /// Keys of the event that the message reports; a message with a known key is a duplicate.
        marks: Box<Marks>,
        /// Answered once the commit succeeded or failed.
        answer: oneshot::Sender<Result<Accepted, Refusal>>,
    },
    /// An action for an agent that has no connection of its own here.
    Named {
        /// The agent; added if it never registered.
        name: AgentName,
        action: NamedAction,
        /// Answered once the commit succeeded or failed.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// The request that attended under this number ([`NamedAction::Attend`]) has ended.
    Unattend(ConnectionId),
    /// Answered when all earlier commands are done: a later read sees their effects.
    Barrier(oneshot::Sender<()>),
    /// Wakes the core: queries wait in `lookups`, or connections in `returns`.
    LookUp,
    /// Wakes the core: a batch is on disk.
    Written,
    /// Requests a message's receipts (section 9, Receipts).
    Receipts {
        /// The requester; None may see all.
        asker: Option<AgentName>,
        /// The stored message.
        message: Box<Message>,
        answer: oneshot::Sender<Result<ReceiptsAnswer, Refusal>>,
    },
    /// Records that a call to another host begins, unless it was made before.
    BeginCall {
        key: CallKey,
        /// The call's content. A repeat with the same id must have the same content.
        asked: String,
        /// Answered once the commit succeeded or failed.
        answer: oneshot::Sender<Result<CallState, Refusal>>,
    },
    /// Records that a call has ended.
    EndCall {
        key: CallKey,
        /// The result; None if the call certainly had no effect.
        result: Option<String>,
        /// Answered once the commit succeeded or failed.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Records that a dashboard login was signed out.
    EndLogin {
        nonce: String,
        /// The time at which the login would have expired, in seconds since 1970.
        until: i64,
        /// Answered once the commit succeeded or failed.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Empties the write-ahead log while reads are paused. Answered with false if a reader prevented it.
    ResetWal(oneshot::Sender<Result<bool, Refusal>>),
    /// Tests that the store accepts writes, for `GET /readyz`.
    Probe(oneshot::Sender<Result<(), Refusal>>),
    /// Frames that the task of a registered connection made. They wait for the core's earlier replies, so that replies
    /// keep the order of the requests.
    Reply {
        connection: ConnectionId,
        /// In the order in which they are to be sent.
        frames: Vec<Frame>,
    },
    /// A connection has ended.
    Disconnect(ConnectionId),
    /// Declares another hub gone, even if it is alive.
    #[cfg(feature = "sim")]
    Fence(crate::roster::HubId),
    /// The hub stops: accepted requests are answered, then every connection is closed.
    Shutdown,
}

/// The key of a call to another host. The requester chooses the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallKey {
    /// The agent's name; empty for a program without one.
    pub asker: String,
    pub id: String,
}

/// A registered agent's request to the core.
#[derive(Debug)]
pub enum AgentAction {
    /// Send a message.
    Message(Box<Draft>),
    /// Join a channel.
    Subscribe(Subscribe),
    /// Leave a channel.
    Unsubscribe(Unsubscribe),
    /// A sign of life, with changes for the agent behind the connection.
    Heartbeat(Heartbeat),
    /// Report what the agent is doing.
    Status(Box<StatusUpdate>),
}

/// An action in an agent's name.
#[derive(Debug)]
pub enum NamedAction {
    /// The agent is online until [`Command::Unattend`] with the same number.
    Attend(ConnectionId),
    /// The agent has handled everything up to this seq.
    Seen(Seq),
    /// Report what the agent is doing.
    Status(Box<StatusUpdate>),
    /// Keep a channel with the agent's name.
    Join(ChannelName),
    /// Stop keeping a channel.
    Leave(ChannelName),
}

/// An accepted message, with the facts for its answer.
#[derive(Debug)]
pub(crate) struct Acceptance<'a> {
    pub(crate) seq: Seq,
    pub(crate) id: &'a str,
    pub(crate) ts: Timestamp,
    /// The state of each addressed agent, ordered by name.
    pub(crate) delivery: Vec<(&'a str, DeliveryState)>,
    /// The reach of those that are online, ordered by name.
    pub(crate) reach: Vec<(&'a str, Reach)>,
    pub(crate) duplicate: bool,
}

/// Each name once, in the order of the ack. A message of a log of 0.1.0 may name an agent twice.
pub(crate) fn in_order(names: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl From<Acceptance<'_>> for Accepted {
    fn from(acceptance: Acceptance<'_>) -> Self {
        let Acceptance { seq, id, ts, delivery, reach, duplicate } = acceptance;
        let delivery = delivery.into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
        let reach = reach.into_iter().map(|(name, reach)| (name.to_owned(), reach)).collect();
        Self { seq, id: id.to_owned(), ts, delivery, reach, duplicate }
    }
}

/// A message accepted over HTTP (section 7).
#[derive(Debug, Clone, Serialize)]
pub struct Accepted {
    pub seq: Seq,
    pub id: String,
    /// The time of acceptance, by the hub's clock.
    pub ts: Timestamp,
    /// The state of each addressed agent: online, offline or unknown.
    pub delivery: BTreeMap<String, DeliveryState>,
    /// The reach of those that are online.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reach: BTreeMap<String, Reach>,
    /// True if the message was in the log already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// The hub's figures (section 7).
#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    /// Agents with a connection.
    pub agents_online: usize,
    /// Channels with members or history, and `#general`.
    pub channels_active: usize,
    /// Observers' connections.
    pub observers_connected: usize,
    pub agents: Vec<String>,
    pub channels: Vec<String>,
    /// The log's head.
    pub seq: Seq,
    /// The database's UUID.
    pub epoch: String,
    /// Seconds since the hub started.
    pub uptime_seconds: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ack_names_each_agent_once_and_in_order() {
        let names = ["carol", "bob", "carol"].map(String::from);
        assert_eq!(in_order(&names), ["bob", "carol"]);
        assert!(in_order(&[]).is_empty());
    }
}
