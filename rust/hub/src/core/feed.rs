//! The source of each connection's messages: the core while it is live, the log while it is behind. The way from behind
//! to live (section 9, Resume), and observers, which start on it.

use std::sync::Arc;

use orochi_protocol::reply::CaughtUp;
use orochi_protocol::{Refusal, Seq};

use super::resume::check_position;
use super::router::Router;
use crate::delivery::outbox::{Feed, KEPT_ITEMS, Outbox};
use crate::links::{Connection, ConnectionIndex};
use crate::roster::ConnectionId;

impl Router {
    pub(super) fn observe(
        &mut self,
        connection: ConnectionId,
        after: Option<Seq>,
        outbox: Arc<Outbox>,
    ) -> Result<(), Refusal> {
        let position = after.unwrap_or(self.head);
        check_position("after", position, self.head)?;
        let index = self.known.links.add_observer(connection, outbox);
        self.feed_from(index, position);
        Ok(())
    }

    /// Makes connections live that have read the log to near its head. Their requests were sent before this turn's
    /// commands, so none of them has registered again since.
    pub(super) fn take_returns(&mut self) {
        for (connection, position) in self.returns.take() {
            let Some(index) = self.known.links.find_connection(connection) else { continue };
            if !self.known.links.connection(index).is_live {
                self.feed_from(index, position);
            }
        }
    }

    /// Delivers everything after `position`: live if the ring has all of it, otherwise the connection's own task reads
    /// it from the log.
    pub(super) fn feed_from(&mut self, index: ConnectionIndex, position: Seq) {
        self.touched.push(index);
        let connection = self.known.links.connection_mut(index);
        connection.handed = position;
        let Some(missed) = self.ring.after(position) else {
            return connection.leave_live();
        };
        connection.is_live = true;
        for recent in missed {
            if let Some(frame) = recent.frame_for(&connection.interest) {
                connection.stage_message(recent.message.seq, frame);
            }
        }
        connection.outbox.set_feed(Feed::Live);
        self.send_missed_events(index);
    }

    /// Hands every touched connection its frames of this turn, each under one lock.
    pub(super) fn flush(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        for index in touched.drain(..) {
            // A touched connection may be gone by now.
            let Some(connection) = self.known.links.get_connection_mut(index) else { continue };
            hand_over(connection, self.head);
            // Messages that did not fit the outbox are read from the log before `caught_up`.
            if connection.is_live
                && let Some(id) = connection.resuming.take()
            {
                let caught_up = CaughtUp { seq: self.head, r#ref: &id };
                connection.outbox.reply(self.stamper.frame("caught_up", &caught_up));
            }
        }
        self.touched = touched;
    }
}

/// Gives a connection its staged frames. If the outbox has no room for the messages, the connection's task reads them
/// from the log from now on.
pub(super) fn hand_over(connection: &mut Connection, head: Seq) {
    let mut staged = std::mem::take(&mut connection.staged);
    if !connection.is_live {
        // The task reads the messages from the log, these too.
        staged.retain(|item| item.seq.is_none());
    }
    connection.outbox.note_answered(std::mem::take(&mut connection.answered));
    let fits = connection.outbox.push(&mut staged);
    // `staged` is empty here; its allocation is used for the next batch.
    if staged.capacity() <= KEPT_ITEMS {
        connection.staged = staged;
    }
    if connection.is_live && fits {
        connection.handed = head;
    } else if connection.is_live {
        tracing::debug!(connection = connection.id.0, "reader is slow; it is served from the log");
        connection.leave_live();
    }
    // Only now: messages that the task reads from the log must come after this turn's replies, above all after the ack
    // of its register.
    if std::mem::take(&mut connection.is_leaving_live) {
        let (position, interest) = (connection.handed, Arc::clone(&connection.interest));
        connection.outbox.set_feed(Feed::Behind { position, interest });
    }
}
