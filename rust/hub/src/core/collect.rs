//! Turns commands into requests of the next batch: an entry with its requester, or a query that changes nothing.
//! Cancelled commands are dropped before they cost a commit. Queries that memory can answer are answered at once.

use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, Refusal};
use tokio::sync::oneshot;

use super::ask::{Ask, Asker, RegisterAsker};
use super::entry::Entry;
use super::known::Known;
use super::refusals::shutting_down;
use super::requests::attend::Attend;
use super::requests::calls::{CallBegin, CallEnd};
use super::requests::heartbeat::Alive;
use super::requests::keep::Keep;
use super::requests::leave::Leave;
use super::requests::message::NewMessage;
use super::requests::register::Registering;
use super::requests::seen::Seen;
use super::requests::sign_out::SignOut;
use super::requests::status::{NewStatus, Whose};
use super::requests::subscribe::Join;
use super::requests::unsubscribe::Part;
use super::{Accepted, AgentAction, Command, CoreThread, NamedAction};
use crate::roster::{ConnectionId, SessionId};
use crate::store::Marks;

impl CoreThread {
    /// Adds a command to the next batch, unless it was cancelled or is answered at once.
    pub(super) fn collect(&mut self, command: Command) {
        match command {
            Command::Agent { connection, id, action } => self.collect_action(connection, id, action),
            Command::Post { answer, .. } if answer.is_closed() => {}
            Command::Post { sender, id, draft, marks, answer } => {
                self.collect_post(&sender, id, *draft, marks, answer);
            }
            Command::Register { answer, .. } if answer.is_closed() => {}
            Command::Register { connection, id, name, register, outbox, answer } => {
                let (session, links) = (self.session(connection), &mut self.router.known.links);
                let registering = Registering::new(session, name, *register, links);
                let asker = RegisterAsker { connection, id, outbox, answer };
                self.next.propose(Entry::Register(Box::new(registering)), Asker::Register(Box::new(asker)));
            }
            Command::Observe { answer, .. } if answer.is_closed() => {}
            Command::Observe { connection, after, outbox, answer } => {
                self.next.ask(Ask::Observe { connection, after, outbox, answer });
            }
            Command::Reply { connection, frames } => self.next.ask(Ask::Reply { connection, frames }),
            Command::Named { answer, .. } if answer.is_closed() => {}
            Command::Named { name, action, answer } => self.collect_named(name, action, answer),
            Command::Unattend(connection) => {
                let leave = Leave::of_wait(self.session(connection));
                self.next.propose(Entry::Leave(leave), Asker::Nobody);
            }
            Command::Disconnect(connection) => {
                let leave = Leave::of_connection(self.session(connection), &self.router.known.links);
                self.next.propose(Entry::Leave(leave), Asker::Nobody);
            }
            Command::Barrier(answer) => self.next.ask(Ask::Barrier(answer)),
            Command::ResetWal(answer) if answer.is_closed() => {}
            Command::ResetWal(answer) => self.next.ask(Ask::ResetWal { answer, done: None }),
            Command::Probe(answer) if answer.is_closed() => {}
            Command::Probe(answer) => self.next.ask(Ask::Probe { answer, done: None }),
            Command::BeginCall { answer, .. } if answer.is_closed() => {}
            Command::BeginCall { key, asked, answer } => {
                self.next.propose(Entry::CallBegin(CallBegin { key, asked }), Asker::Call(answer));
            }
            Command::EndCall { key, result, answer } => {
                self.next.propose(Entry::CallEnd(CallEnd { key, answer: result }), Asker::Stored(answer));
            }
            Command::EndLogin { nonce, until, answer } => {
                self.next.propose(Entry::SignOut(SignOut { nonce, until }), Asker::Stored(answer));
            }
            Command::Presence { detail, answer } => self.next.ask(Ask::Presence { detail, answer }),
            // The answer needs no order among a connection's replies, and waits for no disk.
            Command::Receipts { asker, message, answer } => {
                let _ = answer.send(self.router.receipts(asker.as_ref(), &message));
            }
            #[cfg(feature = "sim")]
            Command::Fence(hub) => {
                let at = orochi_protocol::Timestamp::from_micros(0);
                self.next.propose(Entry::HubGone(super::requests::hubs::HubGone { hub, at }), Asker::Nobody);
            }
            // These only wake the core; each turn checks their sources.
            Command::LookUp | Command::Written | Command::Shutdown => {}
        }
    }

    /// Collects an action over HTTP in an agent's name.
    fn collect_named(&mut self, name: AgentName, action: NamedAction, answer: oneshot::Sender<Result<(), Refusal>>) {
        let entry = match action {
            NamedAction::Attend(connection) => Entry::Attend(Attend { session: self.session(connection), name }),
            NamedAction::Seen(seq) => Entry::Seen(Seen { name, seq }),
            NamedAction::Status(update) => Entry::Status(NewStatus { whose: Whose::Name(name), update }),
            NamedAction::Join(channel) => Entry::Keep(Keep { name, channel, is_kept: true }),
            NamedAction::Leave(channel) => Entry::Keep(Keep { name, channel, is_kept: false }),
        };
        self.next.propose(entry, Asker::Stored(answer));
    }

    fn collect_action(&mut self, connection: ConnectionId, id: String, action: AgentAction) {
        let session = self.session(connection);
        let Known { roster, links } = &mut self.router.known;
        // A connection that is gone or was replaced gets no answer.
        let Some(agent) = roster.session_of(session) else { return };
        let entry = match action {
            AgentAction::Message(draft) => {
                let sender = roster.agent(agent).record.name.clone();
                return self.collect_message(session, sender, id, *draft);
            }
            AgentAction::Subscribe(subscribe) => Ok(Entry::Join(Join::new(session, subscribe))),
            AgentAction::Unsubscribe(unsubscribe) => Part::new(session, unsubscribe, links).map(Entry::Part),
            AgentAction::Heartbeat(heartbeat) => Ok(Entry::Alive(Alive { session, heartbeat })),
            AgentAction::Status(update) => Ok(Entry::Status(NewStatus { whose: Whose::Session(session), update })),
        };
        match entry {
            Ok(entry) => self.next.propose(entry, Asker::Connection { connection, id }),
            Err(refusal) => self.next.ask(Ask::Refused { connection, id, refusal }),
        }
    }

    fn collect_message(&mut self, session: SessionId, sender: String, id: String, draft: Draft) {
        match NewMessage::new(Some(session), sender, id, draft, None) {
            Ok(message) => self.next.propose(Entry::Message(message), Asker::Sender(session.connection)),
            Err((id, refusal)) => self.next.ask(Ask::Refused { connection: session.connection, id, refusal }),
        }
    }

    /// Collects a message that came over HTTP.
    fn collect_post(
        &mut self,
        sender: &AgentName,
        id: String,
        draft: Draft,
        marks: Box<Marks>,
        answer: oneshot::Sender<Result<Accepted, Refusal>>,
    ) {
        let marks = Some(marks).filter(|marks| **marks != Marks::default());
        match NewMessage::new(None, sender.to_string(), id, draft, marks) {
            Ok(message) => self.next.propose(Entry::Message(message), Asker::Post(answer)),
            Err((_, refusal)) => drop(answer.send(Err(refusal))),
        }
    }

    fn session(&self, connection: ConnectionId) -> SessionId {
        SessionId { hub: self.router.hub, connection }
    }

    /// Answers a command that came too late because the hub is stopping.
    pub(super) fn refuse_stopping(&mut self, command: Command) {
        let refusal = shutting_down();
        match command {
            Command::Agent { connection, id, .. } => {
                if let Some(index) = self.router.known.links.find_connection(connection) {
                    self.router.refuse(index, &refusal, Some(&id));
                }
            }
            Command::Register { id, outbox, .. } => {
                outbox.reply(self.router.stamper.error(&refusal, Some(&id)));
                outbox.close(orochi_protocol::CloseCode::GoingAway);
            }
            Command::Post { answer, .. } => {
                let _ = answer.send(Err(refusal));
            }
            Command::Observe { answer, .. } | Command::Named { answer, .. } => {
                let _ = answer.send(Err(refusal));
            }
            Command::Reply { connection, frames } => {
                if let Some(index) = self.router.known.links.find_connection(connection) {
                    frames.into_iter().for_each(|frame| self.router.stage_reply(index, frame));
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
