//! The handle with the requests of a program. Clones share the connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orochi_protocol::incoming::AckPayload;
use orochi_protocol::limits::FRAME_BYTES_MAX;
use orochi_protocol::reply::DeliveryState;
use orochi_protocol::request::{Heartbeat, StatusUpdate, check_id};
use orochi_protocol::{ChannelName, Reach, Seq, Target};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::frames::frame;
use crate::inbox::Inbox;
use crate::options::Options;
use crate::outstanding::{Change, Request};
use crate::reconnect::{Backoff, Never, Reconnect};
use crate::seen::Finished;
use crate::state::{Reported, State};
use crate::task::{CLOSE_MAX, Command, Handles, Task};

/// A registered agent's connection to a hub.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: String,
    // Unbounded, so that requests keep the order of the calls: a caller that waits for room could be overtaken. The
    // number of waiting callers is the bound (outstanding.rs).
    commands: mpsc::UnboundedSender<Command>,
    pub(crate) inbox: Arc<Inbox>,
    finished: Finished,
    /// The dialect of the hub at the first register.
    dialect: Dialect,
    reported: Reported,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// A channel, or `@name` for one agent.
    pub channel: String,
    /// The text.
    pub content: String,
    /// The sender's own object.
    pub metadata: Option<Box<RawValue>>,
    /// The seq of the message that this one answers.
    pub reply_to: Option<Seq>,
    /// The message's id; None generates one. A second message with the same id and content counts as the first one.
    pub id: Option<String>,
}

/// A message's payload on the wire.
#[derive(Serialize)]
struct MessagePayload<'a> {
    channel: Target,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Seq>,
}

/// The hub's ack of a message (docs/protocol.md, section 9, Durability).
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The message's seq; None from a 0.1.0 hub.
    pub seq: Option<Seq>,
    pub id: String,
    /// The time of acceptance; None from a 0.1.0 hub.
    pub ts: Option<String>,
    /// The presence of each addressed agent.
    pub delivery: BTreeMap<String, DeliveryState>,
    /// The reach of those that are online.
    pub reach: BTreeMap<String, Reach>,
    /// The message was already in the log.
    pub duplicate: bool,
}

impl Client {
    /// Connects and registers. After a lost connection the client reconnects, unless [`Options::reconnect`] is off.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::AuthFailed`], [`Error::Refused`] with the register's refusal.
    pub async fn connect(options: Options) -> Result<Self, Error> {
        let reconnect: Box<dyn Reconnect> =
            if options.reconnect { Box::new(Backoff::default()) } else { Box::new(Never) };
        Self::connect_with(options, reconnect).await
    }

    /// Connects and registers, with another policy for lost connections in place of [`Options::reconnect`].
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect_with(options: Options, reconnect: Box<dyn Reconnect>) -> Result<Self, Error> {
        let (commands, received) = mpsc::unbounded_channel();
        let inbox = Arc::new(Inbox::new(options.inbox_frames_max, options.inbox_bytes_max));
        let (name, finished) = (options.name.clone(), Finished::default());
        let handles = Handles { commands: received, inbox: Arc::clone(&inbox), finished: finished.clone() };
        let (task, reported) = Task::open(options, reconnect, handles).await?;
        let dialect = task.dialect();
        tokio::spawn(task.run());
        Ok(Self { shared: Arc::new(Shared { name, commands, inbox, finished, dialect, reported }) })
    }

    /// The received frames.
    pub fn inbox(&self) -> &Inbox {
        &self.shared.inbox
    }

    /// The agent's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The log's epoch; None from a 0.1.0 hub.
    pub fn epoch(&self) -> Option<String> {
        self.shared.reported.epoch.borrow().clone()
    }

    /// The connection's state.
    pub fn state(&self) -> State {
        *self.shared.reported.state.borrow()
    }

    /// A receiver for the connection's state and its changes.
    pub fn states(&self) -> watch::Receiver<State> {
        self.shared.reported.state.clone()
    }

    /// Returns whether the hub is a 0.1.0 hub, which supports only sections 1 to 8 of the protocol.
    pub fn is_old_hub(&self) -> bool {
        self.shared.dialect.is_old()
    }

    /// Sends a message. The future resolves once the hub has it on disk. The message is queued by this call, not by
    /// polling the future, so messages are sent in the order of the calls. After a lost connection it is sent again
    /// under its id, so the hub accepts it once. Dropping the future stops the wait. A message that was not yet written
    /// to the socket is then not sent.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Invalid`], [`Error::ConnectionLost`] if the connection ends for good.
    pub fn send(&self, message: Outgoing) -> impl Future<Output = Result<Receipt, Error>> + Send + use<> {
        let queued = self.message_frame(&message).map(|(id, frame)| self.ask_queued("message", id, frame, None));
        async move { Ok(Receipt::from(queued?.await?.ack)) }
    }

    /// A message's id and frame.
    pub(crate) fn message_frame(&self, message: &Outgoing) -> Result<(String, String), Error> {
        let payload = self.payload(message)?;
        let id = message.id.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        let frame = self.frame("message", &id, &payload);
        Ok((id, frame))
    }

    pub(crate) fn frame<T: Serialize>(&self, kind: &str, id: &str, payload: &T) -> String {
        frame(kind, &self.shared.name, id, payload)
    }

    fn payload<'a>(&self, message: &'a Outgoing) -> Result<MessagePayload<'a>, Error> {
        // Check the id here: a hub that can't read it could not name the message in its refusal.
        message.id.as_deref().map_or(Ok(()), check_id)?;
        let metadata = message.metadata.as_deref();
        let is_reply = message.reply_to.is_some();
        self.shared.dialect.check_message(is_reply, &message.content, metadata.map(RawValue::get))?;
        Ok(MessagePayload {
            channel: Target::parse(&message.channel)?,
            content: &message.content,
            metadata,
            reply_to: message.reply_to,
        })
    }

    /// Joins a channel. The client joins it again after a lost connection.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn subscribe(&self, channel: &str) -> Result<(), Error> {
        let channel = ChannelName::parse(channel)?;
        let payload = json!({ "channel": channel });
        self.ask("subscribe", &payload, Some(Change::Join(channel))).await.map(|_| ())
    }

    /// Leaves a channel.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn unsubscribe(&self, channel: &str) -> Result<(), Error> {
        let channel = ChannelName::parse(channel)?;
        let payload = json!({ "channel": channel });
        self.ask("unsubscribe", &payload, Some(Change::Leave(channel))).await.map(|_| ())
    }

    /// Updates the agent's status.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn status(&self, update: &StatusUpdate) -> Result<(), Error> {
        self.request("status_update", update).await.map(|_| ())
    }

    /// Sends a heartbeat. The client also sends them on its own.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn heartbeat(&self) -> Result<(), Error> {
        self.request("heartbeat", &json!({})).await.map(|_| ())
    }

    /// Sets how messages reach the agent from now on, including after a lost connection.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn set_reach(&self, reach: Reach) -> Result<(), Error> {
        self.ask("heartbeat", &Heartbeat { reach: Some(reach), ..Heartbeat::default() }, Some(Change::Reach(reach)))
            .await
            .map(|_| ())
    }

    /// Reports that the agent was shown everything up to `seq`, in its context or by a wake. It has not handled it yet.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn offered(&self, seq: Seq) -> Result<(), Error> {
        self.request("heartbeat", &Heartbeat { offered: Some(seq), ..Heartbeat::default() }).await.map(|_| ())
    }

    /// Waits until the inbox has every message that this agent missed, before it registered with `resume` or while a
    /// connection was lost. Returns at once if nothing can be missing.
    ///
    /// # Errors
    /// [`Error::Closed`] if the connection ends for good before that.
    pub fn caught_up(&self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        // The future holds no handle, so the connection still closes when all handles are dropped.
        let mut caught_up = self.shared.reported.caught_up.clone();
        async move { caught_up.wait_for(|is_caught_up| *is_caught_up).await.map(|_| ()).map_err(|_| Error::Closed) }
    }

    /// Sends any request with its payload.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn request<T: Serialize>(&self, kind: &str, payload: &T) -> Result<Answer, Error> {
        self.ask(kind, payload, None).await
    }

    /// Notes that the consumer has handled everything up to `seq`. The client reports it to the hub soon after.
    pub fn finished(&self, seq: Seq) {
        self.shared.finished.advance(seq);
    }

    /// Reports to the hub what the consumer has handled, and closes the connection. Waiting requests fail with
    /// [`Error::Closed`].
    pub async fn close(&self) {
        self.close_within(CLOSE_MAX);
        // An error means that the connection is closed.
        let _ = self.states().wait_for(|state| *state == State::Closed).await;
    }

    /// Starts to close the connection. The close handshake takes at most `limit`.
    pub fn close_within(&self, limit: Duration) {
        // An error means that the connection is already closing.
        let _ = self.command(Command::Close(limit.min(CLOSE_MAX)));
    }

    async fn ask<T: Serialize>(&self, kind: &str, payload: &T, change: Option<Change>) -> Result<Answer, Error> {
        let id = Uuid::now_v7().to_string();
        let frame = self.frame(kind, &id, payload);
        self.ask_queued(kind, id, frame, change).await
    }

    fn ask_queued(
        &self,
        kind: &str,
        id: String,
        frame: String,
        change: Option<Change>,
    ) -> impl Future<Output = Result<Answer, Error>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let queued = self.queue(kind, id, frame, change, || Caller::Future(answer));
        let client = self.clone();
        async move {
            queued?;
            answered.await.map_err(|_| client.closed())?
        }
    }

    /// Passes a request to the connection's task. Sizes are checked first: a frame over the limit would end the
    /// connection, and would be sent again on each new one.
    pub(crate) fn queue(
        &self,
        kind: &str,
        id: String,
        frame: String,
        change: Option<Change>,
        caller: impl FnOnce() -> Caller,
    ) -> Result<(), Error> {
        Error::check_size("the frame", frame.len(), FRAME_BYTES_MAX)?;
        let request = Request { id, kind: kind.to_owned(), frame: frame.into(), change, data: None, caller: caller() };
        self.command(Command::Request(request))
    }

    fn command(&self, command: Command) -> Result<(), Error> {
        self.shared.commands.send(command).map_err(|unsent| {
            if let Command::Request(request) = unsent.0 {
                request.caller.release();
            }
            self.closed()
        })
    }

    fn closed(&self) -> Error {
        self.shared.inbox.end().unwrap_or(Error::Closed)
    }
}

impl From<AckPayload> for Receipt {
    fn from(ack: AckPayload) -> Self {
        let AckPayload { seq, r#ref: id, ts, delivery, reach, duplicate, .. } = ack;
        Self { seq, id, ts, delivery, reach, duplicate }
    }
}
