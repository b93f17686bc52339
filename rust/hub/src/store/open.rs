//! Opens the log: takes the lock, recognises the file, brings its schema up to date, and loads what the core needs to
//! start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orochi_protocol::{Identity, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::aging::Aging;
use super::files::LogFiles;
use super::lock::Lock;
use super::{AgentRecord, Store, StoreError, compose, epoch, logins, schema, shared, states, upgrade};
use crate::clock::system_clock;

/// Pages between checkpoints, 16 MiB of 4 KiB pages: at SQLite's 1000 a busy hub would copy pages back, and
/// wait for the disk, four times as often.
const CHECKPOINT_PAGES: i64 = 4000;

/// The longest wait of a write while another program holds the log's write lock. Its senders wait that long for their
/// refusal, and so does the core.
const WRITE_LOCK_WAIT: Duration = Duration::from_secs(1);

/// The key that signs logins. Debug output masks it.
#[derive(Clone)]
pub struct LoginKey(Vec<u8>);

impl LoginKey {
    /// The bytes, for signing.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for LoginKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginKey(****)")
    }
}

impl From<Vec<u8>> for LoginKey {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// The contents of a log that the core needs to start.
#[derive(Debug)]
pub struct Loaded {
    /// The UUID made with the database.
    pub epoch: String,
    /// 32 bytes created with the database and known only to this hub.
    pub login_key: LoginKey,
    /// The nonces of signed-out dashboard logins, each with the end of its validity in seconds since 1970.
    pub ended_logins: HashMap<String, i64>,
    /// The newest seq that was ever used.
    pub head: Seq,
    /// The newest time that was ever written.
    pub last_ts: Timestamp,
    /// The last seq that 0.1.0 wrote. Up to it, seqs may have gaps and times may go back.
    pub legacy_head: Seq,
    /// All agents that ever registered.
    pub agents: Vec<AgentRecord>,
    /// Each agent's last state, if one was written.
    pub states: HashMap<String, String>,
    /// The hub that wrote the log last, and a time at which it certainly ran.
    pub hub: (u64, Timestamp),
    /// The state of a log that several hubs share.
    pub shared: shared::Shared,
    /// The age of rows that a hub writes.
    pub aging: Aging,
    /// All channels with history.
    pub channels: Vec<String>,
    /// The copy of the old file, if a 0.1.0 log was just upgraded.
    pub upgraded_from: Option<PathBuf>,
}

impl Store {
    /// Opens the log at `path`, creates it if there is none, and upgrades it if it is older.
    ///
    /// # Errors
    /// Fails if another hub has the log, if the file is newer or of another kind, or if the disk refuses. Nothing is
    /// changed then.
    pub fn open(path: &Path) -> Result<(Self, Loaded), StoreError> {
        let lock = Lock::take(path)?;
        let mut connection = open_file(&lock.path)?;
        let (version, is_legacy) = inspect(&connection, path)?;
        let upgraded_from = if is_legacy { Some(upgrade::copy_beside(&connection, &lock.path)?) } else { None };
        lock.make_private();
        set_up(&connection).map_err(|error| open_error(path, &error))?;
        if version < schema::VERSION {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if is_legacy {
                upgrade::set_aside(&transaction)?;
            }
            schema::migrate(&transaction, version)?;
            if is_legacy {
                upgrade::take_over(&transaction)?;
            }
            transaction.commit()?;
            if schema::held_the_index(version) {
                give_space_back(&connection);
            }
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        compose::compose_names(&transaction)?;
        epoch::settle(&transaction, &lock, head(&transaction)?)?;
        transaction.commit()?;
        let loaded = load(&connection, upgraded_from)?;
        connection.busy_timeout(WRITE_LOCK_WAIT)?;
        let known_channels = loaded.channels.iter().cloned().collect();
        let files = Arc::new(LogFiles::of_open(path)?);
        let newest_ts = newest_ts(&connection, loaded.legacy_head)?;
        let aging = loaded.aging.clone();
        let swept_to = states::load_swept_to(&connection)?;
        let epoch = loaded.epoch.clone();
        if let Err(error) = lock.note(&epoch, loaded.head) {
            tracing::warn!(%error, "the log's head could not be noted beside it");
        }
        Ok((Self { connection, known_channels, files, newest_ts, swept_to, aging, epoch, lock }, loaded))
    }
}

fn open_file(path: &Path) -> Result<Connection, StoreError> {
    Connection::open(path).map_err(|error| open_error(path, &error))
}

fn open_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Open { path: path.to_owned(), reason: error.to_string() }
}

/// Returns the file's schema number, and whether it is a 0.1.0 log. Fails if it is neither ours nor empty.
fn inspect(connection: &Connection, path: &Path) -> Result<(i64, bool), StoreError> {
    let foreign = |reason: &str| StoreError::Foreign { path: path.to_owned(), reason: reason.to_owned() };
    let version = schema::version(connection).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => foreign("it is no SQLite database"),
        _ => open_error(path, &error),
    })?;
    if version > schema::VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: schema::VERSION });
    }
    if version == 0 {
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))
            .map_err(|error| open_error(path, &error))?;
        if tables == 0 {
            return Ok((0, false));
        }
        return if upgrade::is_legacy(connection)? { Ok((0, true)) } else { Err(foreign("it has other tables")) };
    }
    let is_ours = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'addressed'", [], |_| Ok(()))
        .optional()?
        .is_some();
    if is_ours { Ok((version, false)) } else { Err(foreign("it has other tables")) }
}

/// Shrinks the file to its contents. If that fails, new messages use the free pages.
fn give_space_back(connection: &Connection) {
    tracing::info!("the index of words moves out of the log, into a file of its own; the log is made smaller once");
    if let Err(error) = connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);") {
        tracing::warn!(%error, "the log could not be made smaller; the space is used again by new messages");
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With FULL, a commit is on disk when it returns, as an ack promises.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // Cut back a WAL that grew while a reader was slow.
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // At most 2 MiB of pages, allocated when needed: as much as a full batch changes.
    connection.pragma_update(None, "cache_size", -2048)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn load(connection: &Connection, upgraded_from: Option<PathBuf>) -> Result<Loaded, StoreError> {
    let newest = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    let legacy_head = meta_number(connection, "legacy_head")?.unwrap_or(0);
    let last = newest("SELECT ts FROM messages ORDER BY seq DESC LIMIT 1").optional()?.flatten().unwrap_or(0);
    let last_ts = last.max(meta_number(connection, "legacy_last_ts")?.unwrap_or(0));
    let (head, last_ts) = (head(connection)?, Timestamp::from_micros(last_ts));
    let hub = u64::try_from(meta_number(connection, "hub")?.unwrap_or(0)).unwrap_or(0);
    Ok(Loaded {
        epoch: connection.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0))?,
        login_key: connection
            .query_row("SELECT value FROM meta WHERE key = 'session_key'", [], |row| row.get(0).map(LoginKey))?,
        ended_logins: logins::load_ended(connection)?,
        head,
        last_ts,
        legacy_head: Seq::from_i64(legacy_head),
        agents: load_agents(connection)?,
        states: states::load_newest(connection)?,
        hub: (hub, states::last_alive(connection, system_clock())?),
        shared: shared::load(connection)?,
        aging: Aging::load(connection, newest_time(connection, (head, last_ts))?)?,
        channels: connection
            .prepare("SELECT name FROM channels")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?,
        upgraded_from,
    })
}

/// The newest seq that was ever used.
fn head(connection: &Connection) -> rusqlite::Result<Seq> {
    let newest: Option<i64> = connection.query_row("SELECT max(seq) FROM messages", [], |row| row.get(0))?;
    Ok(Seq::from_i64(newest.unwrap_or(0).max(meta_number(connection, "head_floor")?.unwrap_or(0))))
}

/// The time of the newest message after 0.1.0's part.
fn newest_ts(connection: &Connection, legacy_head: Seq) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT ts FROM messages WHERE seq > ?1 ORDER BY seq DESC LIMIT 1";
    connection.query_row(sql, [legacy_head.as_i64()], |row| row.get(0).map(Timestamp::from_micros)).optional()
}

/// The time of the newest message or call; the system's time if there is neither.
fn newest_time(connection: &Connection, (head, last_ts): (Seq, Timestamp)) -> rusqlite::Result<Timestamp> {
    let call: Option<i64> = connection.query_row("SELECT max(begun) FROM calls", [], |row| row.get(0))?;
    let message = (head > Seq::ZERO).then_some(last_ts);
    let newest = call.map(Timestamp::from_micros).into_iter().chain(message).max();
    Ok(newest.unwrap_or_else(system_clock))
}

fn meta_number(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

fn load_agents(connection: &Connection) -> Result<Vec<AgentRecord>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT name, machine, role, model, agent_id, project, status, current_task, progress, channels, cursor,
                first_head, first_seen, registered_at, last_seen, kept FROM agents",
    )?;
    let time = |row: &rusqlite::Row<'_>, at| row.get(at).map(Timestamp::from_micros);
    let rows = statement.query_map([], |row| {
        Ok(AgentRecord {
            name: row.get(0)?,
            identity: Identity {
                machine: row.get(1)?,
                role: row.get(2)?,
                model: row.get(3)?,
                agent_id: row.get(4)?,
                project: row.get(5)?,
            },
            status: row.get(6)?,
            current_task: row.get(7)?,
            progress: row.get(8)?,
            channels: serde_json::from_str(row.get_ref(9)?.as_str()?).unwrap_or_default(),
            cursor: row.get::<_, Option<i64>>(10)?.map(Seq::from_i64),
            first_head: Seq::from_i64(row.get(11)?),
            first_seen: time(row, 12)?,
            registered_at: time(row, 13)?,
            last_seen: time(row, 14)?,
            kept: row.get::<_, Option<String>>(15)?.and_then(|json| serde_json::from_str(&json).ok()),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
