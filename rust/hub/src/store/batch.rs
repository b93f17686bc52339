//! One transaction of the writer: messages with their indexes, and agents' records.

use orochi_protocol::{Seq, Timestamp};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Row, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::aging::Age;
use super::lock::Lock;
use super::row::{COLUMNS, Places, read_row};
use super::{AgentRecord, Appended, Message, Store, StoreError, shared};

/// A transaction. Nothing of it is in the log if it is dropped without [`Batch::commit`].
pub struct Batch<'a> {
    /// Prepared once a batch, because a look-up for each message costs a tenth of writing the row.
    insert: CachedStatement<'a>,
    transaction: Transaction<'a>,
    known_channels: &'a mut std::collections::HashSet<String>,
    /// Channels that this batch adds. They are known once it is committed.
    new_channels: Vec<String>,
    /// The time of the newest message, including this batch's, and the field that gets it at the commit.
    newest_ts: Option<Timestamp>,
    committed_ts: &'a mut Option<Timestamp>,
    /// The time up to which agents' states are deleted, including by this batch, and the field that gets it at the
    /// commit.
    swept_to: i64,
    committed_swept_to: &'a mut i64,
    age: Age,
    /// The newest message of this batch.
    newest: Option<Seq>,
    lock: &'a Lock,
    epoch: &'a str,
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("newest", &self.newest).finish_non_exhaustive()
    }
}

impl Store {
    /// Begins a transaction. This hub's clocks decide which rows are old.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn begin(&mut self) -> Result<Batch<'_>, StoreError> {
        let age = self.aging.age();
        self.begin_at(age)
    }

    /// Begins a transaction that reads no clock.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn begin_at(&mut self, age: Age) -> Result<Batch<'_>, StoreError> {
        self.files.check()?;
        // The batch borrows the store exclusively, so there is no other transaction.
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let insert = self.connection.prepare_cached(
            "INSERT INTO messages (seq, msg_id, ts, channel, sender, content, mentions, metadata, reply_to, extra)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (msg_id, sender) DO NOTHING",
        )?;
        Ok(Batch {
            insert,
            transaction,
            known_channels: &mut self.known_channels,
            new_channels: Vec::new(),
            newest_ts: self.newest_ts,
            committed_ts: &mut self.newest_ts,
            swept_to: self.swept_to,
            committed_swept_to: &mut self.swept_to,
            age,
            newest: None,
            lock: &self.lock,
            epoch: &self.epoch,
        })
    }
}

impl Batch<'_> {
    /// Adds a message, unless this sender's id is in the log already. `addressed` names the agents that get it without
    /// being in its channel: mentioned agents, and the receiver of a direct message.
    ///
    /// # Errors
    /// Fails if the disk refuses. Drop the batch then.
    pub fn append(&mut self, message: &Message, addressed: &[String]) -> Result<Appended, StoreError> {
        let inserted = self.insert.execute(params![
            message.seq.as_i64(),
            MessageId::new(&message.id),
            message.ts.as_micros(),
            message.place.as_str(),
            message.sender,
            message.content,
            unless(&message.mentions, "[]"),
            unless(&message.metadata, "{}"),
            message.reply_to.map(Seq::as_i64),
            message.extra,
        ])?;
        if inserted == 0 {
            return Ok(Appended::Known(Box::new(self.known(message)?)));
        }
        self.index(message, addressed)?;
        self.newest = Some(message.seq);
        if self.newest_ts.replace(message.ts).is_some_and(|before| message.ts < before) {
            // The clock was set back. Searches by time need to know where.
            self.transaction.execute("INSERT INTO clock_steps (seq) VALUES (?1)", [message.seq.as_i64()])?;
        }
        Ok(Appended::New)
    }

    /// Writes an agent's record. The facts of its first registration stay as they were first written.
    ///
    /// # Errors
    /// Fails if the disk refuses. Drop the batch then.
    pub fn put_agent(&mut self, record: &AgentRecord) -> Result<(), StoreError> {
        let channels = serde_json::to_string(&record.channels).expect("a list of names is JSON");
        let kept = record.kept.as_ref().map(|kept| serde_json::to_string(kept).expect("names and numbers are JSON"));
        self.transaction
            .prepare_cached(
                "INSERT INTO agents (name, machine, role, model, agent_id, project, status, current_task,
                     progress, channels, cursor, first_head, first_seen, registered_at, last_seen, kept)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
                 ON CONFLICT (name) DO UPDATE SET machine = ?2, role = ?3, model = ?4, agent_id = ?5, project = ?6,
                     status = ?7, current_task = ?8, progress = ?9, channels = ?10, cursor = ?11,
                     registered_at = ?14, last_seen = ?15, kept = ?16",
            )?
            .execute(params![
                record.name,
                record.identity.machine,
                record.identity.role,
                record.identity.model,
                record.identity.agent_id,
                record.identity.project,
                record.status,
                record.current_task,
                record.progress,
                channels,
                record.cursor.map(Seq::as_i64),
                record.first_head.as_i64(),
                record.first_seen.as_micros(),
                record.registered_at.as_micros(),
                record.last_seen.as_micros(),
                kept,
            ])?;
        Ok(())
    }

    /// Stores which hub writes the log from now on.
    ///
    /// # Errors
    /// Fails if the disk refuses. Drop the batch then.
    pub fn put_hub(&mut self, hub: u64) -> Result<(), StoreError> {
        let hub = i64::try_from(hub).unwrap_or(i64::MAX);
        self.transaction.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('hub', ?1)", [hub])?;
        Ok(())
    }

    /// Stores that a log shared by several hubs is applied up to `position`, which is the batch `n` of `hub`.
    ///
    /// # Errors
    /// Fails if the disk refuses. Drop the batch then.
    pub fn put_position(&mut self, position: u64, hub: u64, n: u64) -> Result<(), StoreError> {
        Ok(shared::put_position(&self.transaction, position, hub, n)?)
    }

    /// Stores that one of these hubs is gone.
    ///
    /// # Errors
    /// Fails if the disk refuses. Drop the batch then.
    pub fn put_gone(&mut self, hub: u64) -> Result<(), StoreError> {
        Ok(shared::put_gone(&self.transaction, hub)?)
    }

    /// Writes the sessions that an agent has on these hubs.
    ///
    /// # Errors
    /// Fails if the disk refuses. Drop the batch then.
    pub fn put_sessions(&mut self, agent: &str, sessions: &str) -> Result<(), StoreError> {
        Ok(shared::put_sessions(&self.transaction, agent, sessions)?)
    }

    /// Writes the batch to the disk. It is there when this returns.
    ///
    /// # Errors
    /// Fails if the disk refuses. Then nothing of the batch is in the log.
    pub fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit()?;
        *self.committed_ts = self.newest_ts;
        *self.committed_swept_to = self.swept_to;
        if let Some(head) = self.newest
            && let Err(error) = self.lock.note(self.epoch, head)
        {
            tracing::debug!(%error, "the log's head could not be noted beside it");
        }
        self.known_channels.extend(self.new_channels);
        Ok(())
    }

    pub(super) fn transaction(&mut self) -> &Transaction<'_> {
        &self.transaction
    }

    /// The time before which rows have been kept for `kept` microseconds.
    pub(super) fn end_of(&self, kept: i64, now: Timestamp) -> Result<i64, StoreError> {
        Ok(self.age.end_of(kept, now, &self.transaction)?)
    }

    /// Returns true if this batch is to delete old states, and false from then on.
    pub(super) fn take_sweep(&mut self) -> bool {
        std::mem::take(&mut self.age.sweeps)
    }

    pub(super) fn swept_to(&mut self) -> &mut i64 {
        &mut self.swept_to
    }

    fn index(&mut self, message: &Message, addressed: &[String]) -> Result<(), StoreError> {
        let seq = message.seq.as_i64();
        for agent in addressed {
            self.transaction
                .prepare_cached("INSERT OR IGNORE INTO addressed (agent, seq) VALUES (?1, ?2)")?
                .execute(params![agent, seq])?;
        }
        if let Some(channel) = message.place.listed()
            && !self.known_channels.contains(channel)
            && !self.new_channels.iter().any(|known| known == channel)
        {
            self.transaction.prepare_cached("INSERT OR IGNORE INTO channels (name) VALUES (?1)")?.execute([channel])?;
            self.new_channels.push(channel.to_owned());
        }
        Ok(())
    }

    fn known(&self, message: &Message) -> Result<Message, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE msg_id = ?1 AND sender = ?2");
        let mut statement = self.transaction.prepare_cached(&sql)?;
        let read = |row: &Row<'_>| read_row(row, &Places::default());
        Ok(statement.query_row(params![MessageId::new(&message.id), message.sender], read)?)
    }
}

/// An id as the file has it: 16 bytes for a UUID in its usual form, else the text.
pub(super) enum MessageId<'a> {
    Uuid([u8; 16]),
    Text(&'a str),
}

impl<'a> MessageId<'a> {
    pub(super) fn new(id: &'a str) -> Self {
        // Only ids that are read back in the same letters: upper case or braces stay text.
        let mut written = Uuid::encode_buffer();
        match Uuid::try_parse(id) {
            Ok(uuid) if uuid.as_hyphenated().encode_lower(&mut written) == id => Self::Uuid(uuid.into_bytes()),
            _ => Self::Text(id),
        }
    }
}

impl ToSql for MessageId<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            MessageId::Uuid(bytes) => ValueRef::Blob(bytes),
            MessageId::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// None for the value that is not stored.
fn unless<'a>(value: &'a str, absent: &str) -> Option<&'a str> {
    (value != absent).then_some(value)
}
