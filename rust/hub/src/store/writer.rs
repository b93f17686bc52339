//! The writer of the log: the one connection that changes the file, and the facts that it keeps between transactions.
//! [`Batch`](super::Batch) is one of its transactions.

use std::collections::HashSet;
use std::sync::Arc;

use orochi_protocol::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StoreError;
use super::aging::Aging;
use super::files::LogFiles;
use super::lock::Lock;

/// The writer. Each file has one, and the core thread owns it.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    /// Channels that are certainly in the `channels` table.
    pub(super) known_channels: HashSet<String>,
    pub(super) files: Arc<LogFiles>,
    /// The time of the newest message that is not from 0.1.0.
    pub(super) newest_ts: Option<Timestamp>,
    /// The time up to which agents' states are deleted.
    pub(super) swept_to: i64,
    /// The age of other rows, which decides when they are deleted.
    pub(super) aging: Aging,
    pub(super) epoch: String,
    /// Declared last, so it is released after the connection is closed.
    pub(super) lock: Lock,
}

impl Store {
    /// Writes the smallest possible row, to check whether the disk accepts writes.
    ///
    /// # Errors
    /// Fails if it does not.
    pub fn probe(&mut self) -> Result<(), StoreError> {
        let transaction = self.write()?;
        transaction.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', random())", [])?;
        Ok(transaction.commit()?)
    }

    /// Copies all of the write-ahead log into the file and empties it. Returns false if a reader prevents that.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn reset_wal(&mut self) -> Result<bool, StoreError> {
        self.files.check()?;
        let is_busy: bool = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(!is_busy)
    }

    /// Begins a transaction, if the open file is still at its path.
    fn write(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.files.check()?;
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// Copies everything into the one file and closes it.
    pub fn close(self) {
        let checkpoint = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = checkpoint {
            // The WAL beside the file has the rest, and the next start reads both.
            tracing::warn!(%error, "the log's last checkpoint was refused");
        }
    }
}
