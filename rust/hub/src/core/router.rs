//! The state that finishing a batch reads and changes: this hub's connections, the head up to which messages are
//! delivered, and the frames for both. It knows no entry and no batch.
//!
//! Its methods are in the files of their subjects: messages in [`super::deliver`], the way from behind to live in
//! [`super::feed`], events in [`super::events`], the end of entries in [`super::finish`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orochi_protocol::reply::{Ack, Ok as AckStatus};
use orochi_protocol::{CloseCode, Refusal, Seq};

use super::known::Known;
use super::returns::Returns;
use super::stamp::Stamper;
use super::waits::Waits;
use crate::delivery::ring::Ring;
use crate::frame::Frame;
use crate::links::ConnectionIndex;
use crate::roster::{ConnectionId, HubId, SessionId};

/// The core's state beside its batches.
pub(super) struct Router {
    /// This hub. Its sessions are the ones with connections here.
    pub(super) hub: HubId,
    pub(super) known: Known,
    pub(super) returns: Returns,
    pub(super) waits: Waits,
    pub(super) ring: Ring,
    pub(super) stamper: Stamper,
    pub(super) epoch: String,
    /// The newest delivered message.
    pub(super) head: Seq,
    /// `head` for readers on other threads.
    pub(super) shared_head: Arc<AtomicU64>,
    /// Connections with staged frames.
    pub(super) touched: Vec<ConnectionIndex>,
    /// The receivers of the message that is delivered; empty otherwise. It keeps its memory.
    pub(super) receivers: Vec<ConnectionIndex>,
    /// True once an entry declared this hub gone.
    pub(super) is_gone: bool,
}

impl Router {
    /// Stages the plain ack of the request `id`.
    pub(super) fn ack(&mut self, index: ConnectionIndex, id: &str) {
        let frame = self.stamper.frame("ack", &Ack { status: AckStatus::Ok, r#ref: id });
        self.stage_reply(index, frame);
    }

    /// Stages the refusal of the request `id`.
    pub(super) fn refuse(&mut self, index: ConnectionIndex, refusal: &Refusal, id: Option<&str>) {
        let frame = self.stamper.error(refusal, id);
        self.stage_reply(index, frame);
    }

    /// Refuses the request `id` of a connection, unless the connection is gone.
    pub(super) fn refuse_request(&mut self, connection: ConnectionId, id: &str, refusal: &Refusal) {
        if let Some(index) = self.answered(connection) {
            self.refuse(index, refusal, Some(id));
        }
    }

    /// Counts a request of a connection as answered. Returns the connection, unless it is gone.
    pub(super) fn answered(&mut self, connection: ConnectionId) -> Option<ConnectionIndex> {
        let index = self.known.links.find_connection(connection)?;
        self.known.links.connection_mut(index).answered += 1;
        Some(index)
    }

    /// Returns the connection of a session, unless it is gone or another hub's.
    pub(super) fn own_connection(&self, session: SessionId) -> Option<ConnectionIndex> {
        if session.hub == self.hub { self.known.links.find_connection(session.connection) } else { None }
    }

    pub(super) fn stage_reply(&mut self, index: ConnectionIndex, frame: Frame) {
        if self.known.links.connection_mut(index).stage_reply(frame) {
            self.touched.push(index);
        }
    }

    pub(super) fn set_head(&mut self, head: Seq) {
        self.head = head;
        self.shared_head.store(head.get(), Ordering::Release);
    }

    pub(super) fn close_all(&self) {
        for (_, connection) in self.known.links.connections() {
            connection.outbox.close(CloseCode::GoingAway);
        }
    }
}
