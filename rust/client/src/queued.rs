//! The handle for callers without futures. Each request has a ticket, and its answer goes to a queue.

use std::sync::Arc;

use orochi_protocol::request::Heartbeat;
use orochi_protocol::{ChannelName, Reach};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::caller::{Answers, Caller};
use crate::client::{Client, Outgoing};
use crate::error::Error;
use crate::outstanding::Change;

/// A client whose answers go to a queue. If a method returns an error, nothing was queued and no answer follows.
pub struct Queued {
    client: Client,
    answers: Arc<dyn Answers>,
}

impl Queued {
    /// Creates a handle that sends its answers to `answers`.
    pub fn new(client: Client, answers: Arc<dyn Answers>) -> Self {
        Self { client, answers }
    }

    /// The handle with futures, for the same connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Queues a message. Messages are sent in the order of the calls.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::OldHub`], or the reason why the connection ended.
    pub fn send(&self, ticket: u64, message: &Outgoing) -> Result<(), Error> {
        let (id, frame) = self.client.message_frame(message)?;
        self.client.queue("message", id, frame, None, self.caller(ticket))
    }

    /// Queues a subscribe.
    ///
    /// # Errors
    /// As [`Queued::send`].
    pub fn subscribe(&self, ticket: u64, channel: &str) -> Result<(), Error> {
        let channel = ChannelName::parse(channel)?;
        self.ask(ticket, "subscribe", &json!({ "channel": channel }), Some(Change::Join(channel)))
    }

    /// Queues an unsubscribe.
    ///
    /// # Errors
    /// As [`Queued::send`].
    pub fn unsubscribe(&self, ticket: u64, channel: &str) -> Result<(), Error> {
        let channel = ChannelName::parse(channel)?;
        self.ask(ticket, "unsubscribe", &json!({ "channel": channel }), Some(Change::Leave(channel)))
    }

    /// Queues how messages reach the agent from now on, also after a lost connection.
    ///
    /// # Errors
    /// As [`Queued::send`].
    pub fn set_reach(&self, ticket: u64, reach: Reach) -> Result<(), Error> {
        let payload = Heartbeat { reach: Some(reach), ..Heartbeat::default() };
        self.ask(ticket, "heartbeat", &payload, Some(Change::Reach(reach)))
    }

    /// Queues any request with its payload.
    ///
    /// # Errors
    /// As [`Queued::send`].
    pub fn request<T: Serialize>(&self, ticket: u64, kind: &str, payload: &T) -> Result<(), Error> {
        self.ask(ticket, kind, payload, None)
    }

    fn ask<T: Serialize>(&self, ticket: u64, kind: &str, payload: &T, change: Option<Change>) -> Result<(), Error> {
        let id = Uuid::now_v7().to_string();
        let frame = self.client.frame(kind, &id, payload);
        self.client.queue(kind, id, frame, change, self.caller(ticket))
    }

    fn caller(&self, ticket: u64) -> impl FnOnce() -> Caller + use<> {
        let answers = Arc::clone(&self.answers);
        move || Caller::ticket(&answers, ticket)
    }
}
