//! The end of an entry, after its commit: connections change, events are sent, and the requester is answered.

use orochi_protocol::Refusal;
use orochi_protocol::reply::{Ok as AckStatus, SubscribeAck};
use orochi_protocol::request::EventKind;

use super::ask::Asker;
use super::entry::Entry;
use super::outcome::Outcome;
use super::router::Router;
use crate::links::ConnectionIndex;
use crate::roster::ConnectionId;

impl Router {
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
        matches!(entry, Entry::HubGone { hub, .. } if *hub == self.hub)
    }

    /// Applies an entry to this hub's connections.
    fn change_links(&mut self, entry: &Entry) {
        let session = match entry {
            Entry::Join { session, .. } | Entry::Part { session, .. } | Entry::Leave { session, .. } => *session,
            _ => return,
        };
        if session.hub != self.hub {
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
        let Some(index) = self.answered(connection) else { return };
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

    fn ack_subscribe(&mut self, index: ConnectionIndex, id: &str) {
        let ack = SubscribeAck { status: AckStatus::Ok, r#ref: id, seq: self.head };
        let frame = self.stamper.frame("ack", &ack);
        self.stage_reply(index, frame);
    }
}
