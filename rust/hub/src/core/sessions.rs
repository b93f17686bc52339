//! Who joins and who leaves, and from where each connection gets its messages (section 9, Resume, Sessions).

use std::collections::BTreeMap;
use std::sync::Arc;

use orochi_protocol::limits::{CHANNELS_MAX, HEARTBEAT_SECONDS};
use orochi_protocol::reply::{Ok as AckStatus, RegisterAck};
use orochi_protocol::request::{Conflict, Register, Resume};
use orochi_protocol::{AgentName, CloseCode, ErrorCode, Refusal, Seq};

use super::CoreThread;
use crate::outbox::{Feed, Outbox};
use crate::registry::{AgentIndex, Connection, ConnectionId, ConnectionIndex, Places, Standing, Start};

/// Where a register starts, and what its ack says of it.
struct Place {
    start: Start,
    resumed: Option<bool>,
}

impl CoreThread {
    /// Answers a register in the outbox; true where it is accepted.
    pub(super) fn register(
        &mut self,
        connection: ConnectionId,
        id: &str,
        name: &AgentName,
        register: &Register,
        outbox: Arc<Outbox>,
    ) -> bool {
        let known = self.registry.find(name.as_str());
        let checked = self.place(known, register).and_then(|place| {
            self.check_stays(connection)?;
            self.settle_conflict(connection, known, register.conflict, name)?;
            Ok(place)
        });
        let place = match checked {
            Ok(place) => place,
            Err(refusal) => {
                outbox.reply(self.stamper.error(&refusal, Some(id)));
                return false;
            }
        };
        let now = self.stamper.now();
        let agent = self.registry.agent_for(name, self.head, now);
        let was_online = self.registry.agent(agent).is_online();
        let before = self.registry.find_connection(connection);
        let standing = match self.registry.agent(agent).connections.as_slice() {
            [] => Standing::First,
            [only] if before == Some(*only) => Standing::Renewal,
            _ => Standing::OneOfMany,
        };
        let entry = self.registry.agent_mut(agent);
        entry.introduce(register, standing, now);
        if !was_online && !matches!(register.resume, Some(Resume::After(_))) {
            entry.reset_status();
        }
        match before {
            // Registered before, and no other place is asked for: it goes on from where it is.
            Some(index) if register.resume.is_none() => {
                self.registry.renew_session(index, register, self.head);
                self.ack_register(index, agent, id, place.resumed);
            }
            before => {
                if let Some(index) = before {
                    self.hand_over_replies(index);
                }
                // Seqs of another log say nothing about this one.
                let none = BTreeMap::new();
                let joined = if place.resumed == Some(true) { &register.joined } else { &none };
                let index = self.registry.add_session(
                    connection,
                    agent,
                    register,
                    outbox,
                    Places { start: place.start, joined },
                );
                self.ack_register(index, agent, id, place.resumed);
                self.feed_from(index, place.start.channels_after.min(place.start.addressed_after));
            }
        }
        if !was_online {
            tracing::info!(agent = %name, channels = register.channels.len(), "agent online");
            self.announce_presence(agent);
        }
        true
    }

    fn ack_register(&mut self, index: ConnectionIndex, agent: AgentIndex, id: &str, resumed: Option<bool>) {
        let ack = RegisterAck {
            status: AckStatus::Ok,
            r#ref: id,
            seq: self.head,
            epoch: &self.epoch,
            cursor: self.registry.agent(agent).record.cursor,
            heartbeat: HEARTBEAT_SECONDS,
            resumed,
        };
        let frame = self.stamper.frame("ack", &ack);
        self.stage_reply(index, frame);
    }

    /// Hands over the replies of this batch; its messages will be read again from the place that is asked for.
    fn hand_over_replies(&mut self, index: ConnectionIndex) {
        let connection = self.registry.connection_mut(index);
        connection.staged.retain(|item| item.seq.is_none());
        hand_over(connection, self.head);
    }

    /// Where a register starts, by what it asks and by what is known of the name.
    fn place(&self, known: Option<AgentIndex>, register: &Register) -> Result<Place, Refusal> {
        let foreign = register.epoch.as_ref().is_some_and(|epoch| *epoch != self.epoch);
        match register.resume {
            None => Ok(Place { start: Start::after(self.head), resumed: None }),
            Some(Resume::After(seq)) if !foreign => {
                self.check_within_log("resume", seq)?;
                self.check_joined(register)?;
                Ok(Place { start: Start::after(seq), resumed: Some(true) })
            }
            Some(_) => {
                if !foreign {
                    self.check_joined(register)?;
                }
                Ok(Place { start: self.stored_start(known), resumed: Some(!foreign) })
            }
        }
    }

    fn check_joined(&self, register: &Register) -> Result<(), Refusal> {
        register.joined.values().try_for_each(|seq| self.check_within_log("joined", *seq))
    }

    fn stored_start(&self, known: Option<AgentIndex>) -> Start {
        let Some(record) = known.map(|index| &self.registry.agent(index).record) else {
            return Start { channels_after: self.head, addressed_after: Seq::ZERO };
        };
        match record.cursor {
            Some(cursor) => Start::after(cursor),
            None => Start { channels_after: record.first_head, addressed_after: Seq::ZERO },
        }
    }

    /// Refuses a place that the log has not reached.
    pub(super) fn check_within_log(&self, field: &str, seq: Seq) -> Result<(), Refusal> {
        if seq <= self.head {
            return Ok(());
        }
        let detail = format!("{field} is {seq}, beyond the newest message, {}: nothing was changed", self.head);
        Err(Refusal::new(ErrorCode::InvalidField, detail))
    }

    fn settle_conflict(
        &mut self,
        connection: ConnectionId,
        known: Option<AgentIndex>,
        conflict: Conflict,
        name: &AgentName,
    ) -> Result<(), Refusal> {
        let Some(agent) = known else { return Ok(()) };
        let all = self.registry.agent(agent).connections.iter().copied();
        let others: Vec<_> = all.filter(|index| self.registry.connection(*index).id != connection).collect();
        match conflict {
            Conflict::Join => Ok(()),
            Conflict::Refuse if others.is_empty() => Ok(()),
            Conflict::Refuse => {
                let detail = format!("{name} is online on {} other connection(s)", others.len());
                Err(Refusal::new(ErrorCode::NameInUse, detail))
            }
            Conflict::Replace => {
                for index in others {
                    self.replace(index, name);
                }
                Ok(())
            }
        }
    }

    fn replace(&mut self, index: ConnectionIndex, name: &AgentName) {
        let detail = format!("another connection registered as {name} and replaced this one");
        let frame = self.stamper.error(&Refusal::new(ErrorCode::SessionReplaced, detail), None);
        let mut connection = self.registry.remove(index);
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
        self.check_within_log("after", position)?;
        let index = self.registry.add_observer(connection, outbox);
        self.feed_from(index, position);
        Ok(())
    }

    /// A connection has read the log up to `position` and asks to go on live.
    pub(super) fn caught_up(&mut self, connection: ConnectionId, position: Seq) {
        let Some(index) = self.registry.find_connection(connection) else { return };
        if !self.registry.connection(index).is_live {
            self.feed_from(index, position);
        }
    }

    /// Serves a connection everything after `position`: live, where what is missing is in the ring, or
    /// else from the log, which its own task reads.
    fn feed_from(&mut self, index: ConnectionIndex, position: Seq) {
        self.touched.push(index);
        let connection = self.registry.connection_mut(index);
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

    pub(super) fn subscribe(&mut self, index: ConnectionIndex, channel: &str) -> Result<(), Refusal> {
        let connection = self.registry.connection(index);
        if !connection.is_in(channel) && connection.channel_count() >= CHANNELS_MAX {
            let detail = format!("this connection is in {CHANNELS_MAX} channels already: leave one first");
            return Err(Refusal::new(ErrorCode::TooLarge, detail));
        }
        self.registry.join(index, channel, self.head);
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, index: ConnectionIndex, channel: &str) -> Result<(), Refusal> {
        self.check_stays(self.registry.connection(index).id)?;
        self.registry.leave(index, channel, self.head);
        Ok(())
    }

    /// Refuses to leave channels where too many stays in channels are still to be served.
    fn check_stays(&mut self, connection: ConnectionId) -> Result<(), Refusal> {
        let Some(index) = self.registry.find_connection(connection) else { return Ok(()) };
        let connection = self.registry.connection_mut(index);
        connection.forget_served();
        if connection.stays_over_max() {
            let detail = "too many joins and leaves while this connection has messages to read: read them first";
            return Err(Refusal::new(ErrorCode::RateLimited, detail));
        }
        Ok(())
    }

    pub(super) fn disconnect(&mut self, connection: ConnectionId) {
        let Some(index) = self.registry.find_connection(connection) else { return };
        let ended = self.registry.remove(index);
        let Some(agent) = ended.agent_index() else { return };
        let now = self.stamper.now();
        self.registry.agent_mut(agent).leave(ended.outbox.has_goodbye(), now);
        if !self.registry.agent(agent).is_online() {
            tracing::info!(agent = %self.registry.agent(agent).record.name, "agent offline");
            self.announce_presence(agent);
        }
    }

    /// At the end: every online agent was seen until now.
    pub(super) fn note_all_seen(&mut self) {
        let now = self.stamper.now();
        self.registry.touch_online(now);
    }
}

/// Gives a connection its frames of this batch. Where its outbox has no room for the messages, its own
/// task reads them from the log from now on.
pub(super) fn hand_over(connection: &mut Connection, head: Seq) {
    let mut staged = std::mem::take(&mut connection.staged);
    if !connection.is_live {
        // Its messages are read from the log, these too.
        staged.retain(|item| item.seq.is_none());
    }
    let fits = connection.outbox.push(&mut staged);
    // Empty by now; the space is used again for the next batch.
    connection.staged = staged;
    if connection.is_live && fits {
        connection.handed = head;
    } else if connection.is_live {
        tracing::debug!(connection = connection.id.0, "reader is slow; it is served from the log");
        connection.leave_live();
    }
    // Only now: what the task reads from the log comes after the replies of this batch, the ack of its
    // register above all.
    if std::mem::take(&mut connection.is_leaving_live) {
        let (position, interest) = (connection.handed, Arc::clone(&connection.interest));
        connection.outbox.set_feed(Feed::Behind { position, interest });
    }
}
