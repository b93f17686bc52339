//! Removes agents and channels at an operator's request. Messages stay: the log keeps everything.

use orochi_protocol::{AgentName, ChannelName};
use rusqlite::{Connection, TransactionBehavior, params};

use super::{Store, StoreError};

/// A name that an operator can remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgettable {
    /// An agent with its description, cursor and states. If it registers again, it counts as new.
    Agent(AgentName),
    /// A channel. It is listed again after its next message.
    Channel(ChannelName),
}

impl std::fmt::Display for Forgettable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Agent(name) => name.fmt(f),
            Self::Channel(channel) => channel.fmt(f),
        }
    }
}

impl Store {
    /// Removes these names, all or none. Returns those that were unknown.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn forget(&mut self, names: &[Forgettable]) -> Result<Vec<Forgettable>, StoreError> {
        self.files.check()?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut unknown = Vec::new();
        for one in names {
            if !forget(&transaction, one)? {
                unknown.push(one.clone());
            }
        }
        transaction.commit()?;
        self.known_channels.retain(|known| !names.iter().any(|one| one.to_string() == *known));
        Ok(unknown)
    }
}

fn forget(connection: &Connection, one: &Forgettable) -> rusqlite::Result<bool> {
    match one {
        Forgettable::Agent(name) => {
            connection.execute("DELETE FROM agent_states WHERE agent = ?1", params![name.as_str()])?;
            Ok(connection.execute("DELETE FROM agents WHERE name = ?1", params![name.as_str()])? > 0)
        }
        Forgettable::Channel(channel) => {
            Ok(connection.execute("DELETE FROM channels WHERE name = ?1", params![channel.as_str()])? > 0)
        }
    }
}
