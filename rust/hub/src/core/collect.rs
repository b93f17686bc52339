//! Turns commands into requests of the next batch: an entry with its requester, or a query that changes nothing.
//! Cancelled commands are dropped before they cost a commit. Queries that memory can answer are answered at once.

use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, Refusal};
use tokio::sync::oneshot;

use super::ask::{Ask, Asker, RegisterAsker};
use super::deliver::message;
use super::entry::{Entry, Registering, Whose};
use super::refusals::shutting_down;
use super::{Accepted, AgentAction, Command, CoreThread, NamedAction};
use crate::roster::{ConnectionId, Goodbye, SessionId};
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
                let over_bound = self.router.known.links.check_stays(connection).err();
                let session = self.session(connection);
                let registering = Registering { session, name, register: *register, over_bound };
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
            Command::Unattend(connection) => self.collect_leave(connection, Goodbye::Said),
            Command::Disconnect(connection) => self.collect_leave(connection, self.goodbye(connection)),
            Command::Barrier(answer) => self.next.ask(Ask::Barrier(answer)),
            Command::ResetWal(answer) if answer.is_closed() => {}
            Command::ResetWal(answer) => self.next.ask(Ask::ResetWal { answer, done: None }),
            Command::Probe(answer) if answer.is_closed() => {}
            Command::Probe(answer) => self.next.ask(Ask::Probe { answer, done: None }),
            Command::BeginCall { answer, .. } if answer.is_closed() => {}
            Command::BeginCall { key, asked, answer } => {
                self.next.propose(Entry::CallBegin { key, asked }, Asker::Call(answer));
            }
            Command::EndCall { key, result, answer } => {
                self.next.propose(Entry::CallEnd { key, answer: result }, Asker::Stored(answer));
            }
            Command::EndLogin { nonce, until, answer } => {
                self.next.propose(Entry::SignOut { nonce, until }, Asker::Stored(answer));
            }
            Command::Presence { detail, answer } => self.next.ask(Ask::Presence { detail, answer }),
            // The answer needs no order among a connection's replies, and waits for no disk.
            Command::Receipts { asker, message, answer } => {
                let _ = answer.send(self.router.receipts(asker.as_ref(), &message));
            }
            #[cfg(feature = "sim")]
            Command::Fence(hub) => {
                let at = orochi_protocol::Timestamp::from_micros(0);
                self.next.propose(Entry::HubGone { hub, at }, Asker::Nobody);
            }
            // These only wake the core; each turn checks their sources.
            Command::LookUp | Command::Written | Command::Shutdown => {}
        }
    }

    fn goodbye(&self, connection: ConnectionId) -> Goodbye {
        let links = &self.router.known.links;
        let index = links.find_connection(connection);
        let has_goodbye = index.is_some_and(|index| links.connection(index).outbox.has_goodbye());
        if has_goodbye { Goodbye::Said } else { Goodbye::Missing }
    }

    fn collect_leave(&mut self, connection: ConnectionId, goodbye: Goodbye) {
        self.next.propose(Entry::Leave { session: self.session(connection), goodbye }, Asker::Nobody);
    }

    /// Collects an action over HTTP in an agent's name.
    fn collect_named(&mut self, name: AgentName, action: NamedAction, answer: oneshot::Sender<Result<(), Refusal>>) {
        let entry = match action {
            NamedAction::Attend(connection) => Entry::Attend { session: self.session(connection), name },
            NamedAction::Seen(seq) => Entry::Seen { name, seq },
            NamedAction::Status(update) => Entry::Status { whose: Whose::Name(name), update },
            NamedAction::Join(channel) => Entry::Keep { name, channel, is_kept: true },
            NamedAction::Leave(channel) => Entry::Keep { name, channel, is_kept: false },
        };
        self.next.propose(entry, Asker::Stored(answer));
    }

    fn collect_action(&mut self, connection: ConnectionId, id: String, action: AgentAction) {
        let session = self.session(connection);
        // A connection that is gone or was replaced gets no answer.
        let Some(agent) = self.router.known.roster.session_of(session) else { return };
        let entry = match action {
            AgentAction::Message(draft) => {
                let sender = self.router.known.roster.agent(agent).record.name.clone();
                return self.collect_message(session, sender, id, *draft);
            }
            AgentAction::Subscribe(channel) => Entry::Join { session, channel },
            AgentAction::Unsubscribe(channel) => match self.router.known.links.check_stays(connection) {
                Ok(()) => Entry::Part { session, channel },
                Err(refusal) => return self.next.ask(Ask::Refused { connection, id, refusal }),
            },
            AgentAction::Heartbeat(heartbeat) => Entry::Alive { session, heartbeat },
            AgentAction::Status(update) => Entry::Status { whose: Whose::Session(session), update },
        };
        self.next.propose(entry, Asker::Connection { connection, id });
    }

    fn session(&self, connection: ConnectionId) -> SessionId {
        SessionId { hub: self.router.hub, connection }
    }

    /// Proposes an agent's message.
    fn collect_message(&mut self, session: SessionId, sender: String, id: String, draft: Draft) {
        match message(Some(session), sender, id, draft, None) {
            Ok(message) => self.next.propose(Entry::Message(message), Asker::Sender(session.connection)),
            Err((id, refusal)) => self.next.ask(Ask::Refused { connection: session.connection, id, refusal }),
        }
    }

    /// Proposes a message that came over HTTP.
    fn collect_post(
        &mut self,
        sender: &AgentName,
        id: String,
        draft: Draft,
        marks: Box<Marks>,
        answer: oneshot::Sender<Result<Accepted, Refusal>>,
    ) {
        let marks = Some(marks).filter(|marks| **marks != Marks::default());
        match message(None, sender.to_string(), id, draft, marks) {
            Ok(message) => self.next.propose(Entry::Message(message), Asker::Post(answer)),
            Err((_, refusal)) => drop(answer.send(Err(refusal))),
        }
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
