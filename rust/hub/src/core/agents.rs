//! Replies to registered agents, and events about them for observers and other agents (sections 5, 6 and 9).

use orochi_protocol::Refusal;
use orochi_protocol::reply::{Ack, Ok as AckStatus, SubscribeAck};
use orochi_protocol::request::EventKind;

use super::ask::Asker;
use super::entry::Entry;
use super::events::event_frame;
use super::outcome::{Event, Outcome};
use super::refusals::shutting_down;
use super::{Command, CoreThread};
use crate::frame::Frame;
use crate::links::ConnectionIndex;
use crate::roster::ConnectionId;

impl CoreThread {
    /// After the commit: changes the connection, sends the events, and answers the requester.
    pub(super) fn finish_change(&mut self, entry: &Entry, outcome: Outcome, asker: Asker, refusal: Option<&Refusal>) {
        let events = match (outcome, refusal) {
            (Outcome::Refused(refused), _) => return self.refuse_asker(asker, &refused),
            // The session had ended: nobody waits.
            (Outcome::Dropped, _) => Vec::new(),
            (_, Some(refusal)) => return self.refuse_asker(asker, refusal),
            (Outcome::Done(event), None) => event.into_iter().collect(),
            // This hub is declared gone: its connections are closed, and get no events about its agents.
            (Outcome::Told(_), None) if self.is_own_end(entry) => {
                self.is_gone = true;
                return;
            }
            (Outcome::Told(events), None) => events,
            (Outcome::Begun(call), None) => {
                if let Asker::Call(answer) = asker {
                    let _ = answer.send(Ok(call));
                }
                return;
            }
            // The requester finds its answer's channel closed.
            (Outcome::Open | Outcome::Message(_) | Outcome::Registered(_), None) => return,
        };
        self.change_links(entry);
        for event in events {
            if event.kind == EventKind::PresenceChange && matches!(entry, Entry::Leave { .. }) {
                tracing::info!(agent = %self.known.roster.agent(event.agent).record.name, "agent offline");
            }
            self.send_event(event);
        }
        match asker {
            Asker::Connection { connection, id } => self.ack_change(entry, connection, &id),
            Asker::Stored(answer) => {
                // The requester may be gone.
                let _ = answer.send(Ok(()));
            }
            Asker::Nobody | Asker::Sender(_) | Asker::Post(_) | Asker::Register(_) | Asker::Call(_) => {}
        }
    }

    fn is_own_end(&self, entry: &Entry) -> bool {
        matches!(entry, Entry::HubGone { hub, .. } if *hub == self.log.hub())
    }

    /// Applies an entry to this hub's connections.
    fn change_links(&mut self, entry: &Entry) {
        let session = match entry {
            Entry::Join { session, .. } | Entry::Part { session, .. } | Entry::Leave { session, .. } => *session,
            _ => return,
        };
        if session.hub != self.log.hub() {
            return;
        }
        let (links, head) = (&mut self.known.links, self.head);
        let Some(index) = links.find_connection(session.connection) else { return };
        match entry {
            Entry::Join { channel, .. } => links.join(index, channel.as_str(), head),
            Entry::Part { channel, .. } => links.leave(index, channel.as_str(), head),
            _ => drop(links.remove(index)),
        }
    }

    fn ack_change(&mut self, entry: &Entry, connection: ConnectionId, id: &str) {
        let Some(index) = self.known.links.find_connection(connection) else { return };
        self.known.links.connection_mut(index).answered += 1;
        match entry {
            Entry::Join { .. } => self.ack_subscribe(index, id),
            _ => self.ack(index, id),
        }
    }

    /// Sends a refusal to the requester of an entry.
    fn refuse_asker(&mut self, asker: Asker, refusal: &Refusal) {
        match asker {
            Asker::Connection { connection, id } => self.refuse_request(connection, &id, refusal),
            Asker::Stored(answer) => drop(answer.send(Err(refusal.clone()))),
            Asker::Call(answer) => drop(answer.send(Err(refusal.clone()))),
            Asker::Nobody | Asker::Sender(_) | Asker::Post(_) | Asker::Register(_) => {}
        }
    }

    /// Refuses the request `id` of a connection, unless the connection is gone.
    pub(super) fn refuse_request(&mut self, connection: ConnectionId, id: &str, refusal: &Refusal) {
        if let Some(index) = self.known.links.find_connection(connection) {
            self.known.links.connection_mut(index).answered += 1;
            self.refuse(index, refusal, Some(id));
        }
    }

    /// Sends an event to observers and listening agents.
    pub(super) fn send_event(&mut self, event: Event) {
        let Event { agent, kind, frame } = event;
        let number = self.known.links.number_event(agent);
        for index in self.known.links.listeners(kind) {
            let connection = self.known.links.connection_mut(index);
            if connection.is_live && connection.outbox.is_full() {
                connection.leave_live();
                self.touched.push(index);
            }
            let connection = self.known.links.connection_mut(index);
            if connection.is_live {
                self.stage_reply(index, frame.clone());
            } else {
                // The connection gets the agent's state when it has caught up.
                connection.events_missed_from.get_or_insert(number);
            }
        }
    }

    /// Sends a connection that has caught up the present state of each agent that changed meanwhile.
    pub(super) fn send_missed_events(&mut self, index: ConnectionIndex) {
        let connection = self.known.links.connection_mut(index);
        let Some(from) = connection.events_missed_from.take() else { return };
        let wants_presence = connection.wants_event(EventKind::PresenceChange);
        let wants_status = connection.wants_event(EventKind::StatusUpdate);
        for agent in self.known.links.changed_since(from) {
            if wants_presence {
                let frame = event_frame(&mut self.stamper, EventKind::PresenceChange, self.known.roster.agent(agent));
                self.stage_reply(index, frame);
            }
            if wants_status {
                let frame = event_frame(&mut self.stamper, EventKind::StatusUpdate, self.known.roster.agent(agent));
                self.stage_reply(index, frame);
            }
        }
    }

    /// Stages the plain ack of the request `id`.
    pub(super) fn ack(&mut self, index: ConnectionIndex, id: &str) {
        let frame = self.stamper.frame("ack", &Ack { status: AckStatus::Ok, r#ref: id });
        self.stage_reply(index, frame);
    }

    fn ack_subscribe(&mut self, index: ConnectionIndex, id: &str) {
        let ack = SubscribeAck { status: AckStatus::Ok, r#ref: id, seq: self.head };
        let frame = self.stamper.frame("ack", &ack);
        self.stage_reply(index, frame);
    }

    /// Stages the refusal of the request `id`.
    pub(super) fn refuse(&mut self, index: ConnectionIndex, refusal: &Refusal, id: Option<&str>) {
        let frame = self.stamper.error(refusal, id);
        self.stage_reply(index, frame);
    }

    pub(super) fn stage_reply(&mut self, index: ConnectionIndex, frame: Frame) {
        if self.known.links.connection_mut(index).stage_reply(frame) {
            self.touched.push(index);
        }
    }

    /// Answers a command that came too late because the hub is stopping.
    pub(super) fn refuse_stopping(&mut self, command: Command) {
        let refusal = shutting_down();
        match command {
            Command::Agent { connection, id, .. } => {
                if let Some(index) = self.known.links.find_connection(connection) {
                    self.refuse(index, &refusal, Some(&id));
                }
            }
            Command::Register { id, outbox, .. } => {
                outbox.reply(self.stamper.error(&refusal, Some(&id)));
                outbox.close(orochi_protocol::CloseCode::GoingAway);
            }
            Command::Post { answer, .. } => {
                let _ = answer.send(Err(refusal));
            }
            Command::Observe { answer, .. } | Command::Named { answer, .. } => {
                let _ = answer.send(Err(refusal));
            }
            Command::Reply { connection, frames } => {
                if let Some(index) = self.known.links.find_connection(connection) {
                    frames.into_iter().for_each(|frame| self.stage_reply(index, frame));
                }
            }
            #[cfg(feature = "sim")]
            Command::Fence(_) => {}
            // Requesters of these find their answer's channel closed, which means the same.
            Command::Presence { .. }
            | Command::BeginCall { .. }
            | Command::EndCall { .. }
            | Command::EndLogin { .. }
            | Command::Barrier(_)
            | Command::LookUp
            | Command::Written
            | Command::Receipts { .. }
            | Command::ResetWal(_)
            | Command::Probe(_)
            | Command::Unattend(_)
            | Command::Disconnect(_)
            | Command::Shutdown => {}
        }
    }
}
