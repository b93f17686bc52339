//! Commands become entries. Those that nobody waits for any more end here, before they cost a commit; so do those that
//! memory answers at once.

use super::calls::CallNote;
use super::entry::{Change, ChangeKind, Entry, Named, Registering};
use super::{AgentAction, Command, CoreThread};
use crate::registry::{ConnectionId, Goodbye};

impl CoreThread {
    /// Adds a command to the next batch, unless its asker has gone or it is answered at once.
    pub(super) fn collect(&mut self, command: Command) {
        let entry = match command {
            Command::Agent { connection, id, action } => return self.collect_action(connection, id, action),
            Command::Post { answer, .. } if answer.is_closed() => return,
            Command::Post { sender, id, draft, marks, answer } => {
                return self.collect_post(&sender, id, *draft, marks, answer);
            }
            Command::Register { answer, .. } if answer.is_closed() => return,
            Command::Register { connection, id, name, register, outbox, answer } => {
                Entry::Register(Box::new(Registering { connection, id, name, register, outbox, answer, outcome: None }))
            }
            Command::Observe { answer, .. } if answer.is_closed() => return,
            Command::Observe { connection, after, outbox, answer } => {
                Entry::Observe { connection, after, outbox, answer }
            }
            Command::Reply { connection, frames } => Entry::Reply { connection, frames },
            Command::Named { answer, .. } if answer.is_closed() => return,
            Command::Named { name, action, answer } => {
                Entry::Named(Box::new(Named { name, action, answer, outcome: None }))
            }
            Command::Unattend(connection) => Entry::Disconnect { connection, goodbye: Goodbye::Said, event: None },
            Command::Disconnect(connection) => self.collect_disconnect(connection),
            Command::Barrier(answer) => Entry::Barrier(answer),
            Command::ResetWal(answer) if answer.is_closed() => return,
            Command::ResetWal(answer) => Entry::ResetWal { answer, done: None },
            Command::Probe(answer) if answer.is_closed() => return,
            Command::Probe(answer) => Entry::Probe { answer, done: None },
            Command::BeginCall { answer, .. } if answer.is_closed() => return,
            Command::BeginCall { key, asked, answer } => {
                Entry::Call { note: CallNote::Begin { key, asked, answer }, noted: None }
            }
            Command::EndCall { key, result, answer } => {
                Entry::Call { note: CallNote::End { key, result, answer }, noted: None }
            }
            Command::EndSession { nonce, until, answer } => Entry::SignOut { nonce, until, answer },
            Command::Presence { detail, answer } => Entry::Presence { detail, answer },
            // It has no place among the replies of a connection, and waits for no disk.
            Command::Receipts { asker, message, answer } => {
                let _ = answer.send(self.receipts(asker.as_ref(), &message));
                return;
            }
            // They woke the core; each turn looks for what they stand for.
            Command::LookUp | Command::Written | Command::Shutdown => return,
        };
        self.order(entry);
    }

    fn collect_disconnect(&self, connection: ConnectionId) -> Entry {
        let index = self.registry.find_connection(connection);
        let has_goodbye = index.is_some_and(|index| self.registry.connection(index).outbox.has_goodbye());
        let goodbye = if has_goodbye { Goodbye::Said } else { Goodbye::Missing };
        Entry::Disconnect { connection, goodbye, event: None }
    }

    fn collect_action(&mut self, connection: ConnectionId, id: String, action: AgentAction) {
        // A connection that is gone, or was replaced, has nobody to answer.
        let Some(agent) = self.registry.roster.session_of(connection) else { return };
        let kind = match action {
            AgentAction::Message(draft) => {
                let sender = self.registry.roster.agent(agent).record.name.clone();
                return self.collect_message(connection, sender, id, *draft);
            }
            AgentAction::Subscribe(channel) => ChangeKind::Join(channel),
            AgentAction::Unsubscribe(channel) => ChangeKind::Leave(channel),
            AgentAction::Heartbeat(heartbeat) => ChangeKind::Alive(heartbeat),
            AgentAction::Status(update) => ChangeKind::Status(update),
        };
        self.order(Entry::Change(Change { connection, id, kind, outcome: None }));
    }
}
