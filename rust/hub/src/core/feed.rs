//! Registers and observers: the position from which each connection gets its messages, and the way from behind to live
//! (section 9, Resume, Sessions).

use std::collections::BTreeMap;
use std::sync::Arc;

use orochi_protocol::limits::HEARTBEAT_SECONDS;
use orochi_protocol::reply::{CaughtUp, Ok as AckStatus, RegisterAck};
use orochi_protocol::request::Register;
use orochi_protocol::{AgentName, ChannelName, CloseCode, ErrorCode, Refusal, Seq};
use tokio::sync::oneshot;

use super::ask::{Asker, RegisterAsker};
use super::entry::Registering;
use super::outcome::{Outcome, Registered};
use super::resume::check_position;
use super::router::Router;
use crate::delivery::outbox::{Feed, KEPT_ITEMS, Outbox};
use crate::links::{Connection, ConnectionIndex, Positions, Start};
use crate::roster::{ConnectionId, SessionId};

impl Router {
    /// After the commit: sends the connection its ack, then its messages from its start on.
    pub(super) fn finish_register(&mut self, registering: Registering, outcome: Outcome, asker: Asker) {
        let Registering { name, register, .. } = registering;
        let mut registered = match outcome {
            Outcome::Registered(registered) => registered,
            Outcome::Refused(refusal) => return self.refuse_register(asker, &refusal),
            // A register has no other outcome.
            _ => return,
        };
        if registered.is_new {
            self.known.roster.set_first_head(registered.joined.agent, self.head);
        }
        for replaced in &registered.joined.replaced {
            self.replace(*replaced, &name);
        }
        let event = registered.event.take();
        let answer = match asker {
            Asker::Register(asker) => Some(self.welcome(&name, &register, *registered, *asker)),
            _ => None,
        };
        if let Some(event) = event {
            tracing::info!(agent = %name, channels = register.channels().len(), "agent online");
            self.send_event(event);
        }
        if let Some(answer) = answer {
            let _ = answer.send(true);
        }
    }

    fn refuse_register(&mut self, asker: Asker, refusal: &Refusal) {
        let Asker::Register(asker) = asker else { return };
        match self.known.links.find_connection(asker.connection) {
            Some(index) => self.refuse(index, refusal, Some(&asker.id)),
            None => asker.outbox.reply(self.stamper.error(refusal, Some(&asker.id))),
        }
        let _ = asker.answer.send(false);
    }

    /// Registers this hub's connection as the agent's, and acks.
    fn welcome(
        &mut self,
        name: &AgentName,
        register: &Register,
        registered: Registered,
        asker: RegisterAsker,
    ) -> oneshot::Sender<bool> {
        let RegisterAsker { connection, id, outbox, answer } = asker;
        let before = self.known.links.find_connection(connection);
        let Registered { joined, position, cursor, kept, .. } = registered;
        let named = kept.is_some().then(|| register.channels());
        let start = position.start(self.known.roster.agent(joined.agent).record.first_head, self.head);
        let resumed = position.resumed;
        match before {
            // Registered before, without a resume now: the connection continues at its position.
            Some(index) if register.resume.is_none() => {
                self.known.links.renew_session(index, register, self.head);
                self.ack_register(index, &id, cursor, (resumed, start), named);
            }
            before => {
                if let Some(index) = before {
                    self.hand_over_replies(index);
                }
                // Seqs of another log mean nothing in this one.
                let none = BTreeMap::new();
                let joined_at = match &kept {
                    Some(kept) => kept,
                    None if resumed == Some(true) => &register.joined,
                    None => &none,
                };
                let positions = Positions { start, joined: joined_at, head: self.head };
                let agent = (joined.agent, name.as_str());
                let index = self.known.links.add_session(connection, agent, register, outbox, positions);
                self.ack_register(index, &id, cursor, (resumed, start), named);
                self.known.links.connection_mut(index).resuming = register.resume.map(|_| id);
                self.feed_from(index, start.channels_after.min(start.addressed_after));
            }
        }
        answer
    }

    fn ack_register(
        &mut self,
        index: ConnectionIndex,
        id: &str,
        cursor: Option<Seq>,
        (resumed, start): (Option<bool>, Start),
        channels: Option<&[ChannelName]>,
    ) {
        let ack = RegisterAck {
            status: AckStatus::Ok,
            r#ref: id,
            seq: self.head,
            epoch: &self.epoch,
            cursor,
            heartbeat: HEARTBEAT_SECONDS,
            resumed,
            channels_from: resumed.map(|_| start.channels_after),
            channels,
        };
        let frame = self.stamper.frame("ack", &ack);
        self.stage_reply(index, frame);
    }

    /// Hands over the replies of this batch. Its messages will be read again from the requested position.
    fn hand_over_replies(&mut self, index: ConnectionIndex) {
        let connection = self.known.links.connection_mut(index);
        connection.staged.retain(|item| item.seq.is_none());
        hand_over(connection, self.head);
    }

    fn replace(&mut self, replaced: SessionId, name: &AgentName) {
        let own = Some(replaced.connection).filter(|_| replaced.hub == self.hub);
        let Some(index) = own.and_then(|own| self.known.links.find_connection(own)) else { return };
        let detail = format!("another connection registered as {name} and replaced this one");
        let frame = self.stamper.error(&Refusal::new(ErrorCode::SessionReplaced, detail), None);
        let mut connection = self.known.links.remove(index);
        connection.stage_reply(frame);
        hand_over(&mut connection, self.head);
        connection.outbox.close(CloseCode::Replaced);
    }

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
    fn feed_from(&mut self, index: ConnectionIndex, position: Seq) {
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
        for index in std::mem::take(&mut self.touched) {
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
    }
}

/// Gives a connection its staged frames. If the outbox has no room for the messages, the connection's task reads them
/// from the log from now on.
fn hand_over(connection: &mut Connection, head: Seq) {
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
