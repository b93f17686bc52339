//! Upgrades a log of scitex-orochi 0.1.0 in place (section 10): all rows are kept in the order of their `id`, which
//! becomes their seq.

use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use orochi_protocol::{Timestamp, mentions};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::StoreError;
use super::batch::MessageId;
use super::files::beside;
use super::lock::open_private;
use crate::clock::new_id;

const LEGACY_COLUMNS: [&str; 8] = ["id", "msg_id", "ts", "channel", "sender", "content", "mentions", "metadata"];

/// Returns whether the file is a 0.1.0 log: its `messages` table has exactly these columns.
pub(super) fn is_legacy(connection: &Connection) -> Result<bool, StoreError> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('messages')")?;
    let columns: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(columns == LEGACY_COLUMNS)
}

/// Copies the file, including its WAL, to an unused name beside it. The copy gets its name once it is complete. An
/// equal copy from an earlier start is used instead of a new one.
pub(super) fn copy_beside(connection: &Connection, path: &Path) -> Result<PathBuf, StoreError> {
    let copy_error = |reason: String| StoreError::Copy { path: path.to_owned(), reason };
    let mut free = None;
    for n in 0..1000 {
        let copy = beside(path, &if n == 0 { ".0.1.0".to_owned() } else { format!(".0.1.0.{n}") });
        if !copy.exists() {
            free = Some(copy);
            break;
        }
        if is_copy(connection, &copy) {
            return Ok(copy);
        }
    }
    let copy = free.ok_or_else(|| copy_error("there are already a thousand copies".to_owned()))?;
    let partial = beside(path, ".0.1.0.partial");
    let made = make_copy(connection, &partial).and_then(|()| {
        std::fs::rename(&partial, &copy).map_err(|error| error.to_string())?;
        sync_folder(path).map_err(|error| error.to_string())
    });
    if let Err(reason) = made {
        // An incomplete copy is worse than none. If it can't be removed, the error below is still the important one.
        let _ = std::fs::remove_file(&partial);
        return Err(copy_error(reason));
    }
    Ok(copy)
}

fn make_copy(connection: &Connection, partial: &Path) -> Result<(), String> {
    let target = partial.to_str().ok_or("its path is not Unicode")?;
    // A killed start may have left this file.
    match std::fs::remove_file(partial) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.to_string()),
    }
    // SQLite fills the empty file, so the file keeps the rights that we gave it.
    let file = open_private(partial).map_err(|error| error.to_string())?;
    connection.execute("VACUUM INTO ?1", [target]).map_err(|error| error.to_string())?;
    file.sync_all().map_err(|error| error.to_string())
}

/// Syncs the folder, which puts a new name on disk.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Returns whether the file is a 0.1.0 log with the same rows. Errors mean that it is not a copy.
fn is_copy(connection: &Connection, copy: &Path) -> bool {
    let same = || -> Result<bool, StoreError> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let other = Connection::open_with_flags(copy, flags)?;
        if !is_legacy(&other)? {
            return Ok(false);
        }
        for sql in ["SELECT * FROM messages ORDER BY id", "SELECT seq FROM sqlite_sequence WHERE name = 'messages'"] {
            let (mut ours, mut theirs) = (connection.prepare(sql)?, other.prepare(sql)?);
            let columns = ours.column_count();
            let (mut ours, mut theirs) = (ours.query([])?, theirs.query([])?);
            loop {
                match (ours.next()?, theirs.next()?) {
                    (None, None) => break,
                    (Some(our), Some(their)) => {
                        for at in 0..columns {
                            if our.get_ref(at)? != their.get_ref(at)? {
                                return Ok(false);
                            }
                        }
                    }
                    (Some(_), None) | (None, Some(_)) => return Ok(false),
                }
            }
        }
        Ok(true)
    };
    same().unwrap_or(false)
}

/// Renames the old table and drops its indexes, to make room for the new ones.
pub(super) fn set_aside(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute_batch(
        "DROP INDEX IF EXISTS idx_messages_channel;
         DROP INDEX IF EXISTS idx_messages_sender;
         DROP INDEX IF EXISTS idx_messages_ts;
         ALTER TABLE messages RENAME TO legacy_messages;",
    )?;
    Ok(())
}

/// Copies the old rows into the new tables.
pub(super) fn take_over(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut last = Timestamp::from_micros(0);
    let mut newest = last;
    let mut texts = Texts::default();
    let numbers = Numbers::of(transaction)?;
    let mut statement = transaction.prepare(
        "SELECT id, CAST(msg_id AS TEXT), CAST(ts AS TEXT), CAST(channel AS TEXT), CAST(sender AS TEXT),
                CAST(content AS TEXT), metadata FROM legacy_messages ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        let seq = if numbers.are_kept { row.get(0)? } else { count };
        last = read_time(&texts.read(row, 2)?).unwrap_or(last);
        newest = newest.max(last);
        let metadata = row.get_ref(6)?.as_str_or_null().ok().flatten().filter(|json| is_object(json));
        let (id, channel) = (texts.read(row, 1)?, texts.read(row, 3)?);
        let (sender, content) = (texts.read(row, 4)?, texts.read(row, 5)?);
        insert(
            transaction,
            &Row { seq, id: &id, ts: last, channel: &channel, sender: &sender, content: &content, metadata },
        )?;
    }
    drop(rows);
    drop(statement);
    texts.tell();
    let head_floor = if numbers.are_kept { numbers.newest } else { count };
    for (key, value) in
        [("legacy_head", head_floor), ("head_floor", head_floor), ("legacy_last_ts", newest.as_micros())]
    {
        transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![key, value])?;
    }
    transaction.execute_batch("DROP TABLE legacy_messages")?;
    Ok(())
}

/// The largest number that leaves room for new ones. Above it, programs that read JSON numbers as floats are inexact.
const NEWEST_MAX: i64 = 1 << 52;

/// The old rows' numbers.
struct Numbers {
    /// The largest number ever used. 0.1.0 deleted old rows, and their numbers must not be used again.
    newest: i64,
    /// The numbers become the messages' seqs.
    are_kept: bool,
}

impl Numbers {
    fn of(transaction: &Transaction<'_>) -> Result<Self, StoreError> {
        let (first, last): (Option<i64>, Option<i64>) =
            transaction
                .query_row("SELECT min(id), max(id) FROM legacy_messages", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let ever_used: Option<i64> = transaction
            .query_row("SELECT seq FROM sqlite_sequence WHERE name IN ('messages', 'legacy_messages')", [], |row| {
                row.get(0)
            })
            .optional()?;
        let newest = ever_used.unwrap_or(0).max(last.unwrap_or(0));
        let are_kept = first.unwrap_or(1) >= 1 && newest <= NEWEST_MAX;
        if !are_kept {
            let first = first.unwrap_or(1);
            tracing::warn!("the old log's numbers, from {first} to {newest}, can't be seqs: its rows get new numbers");
        }
        Ok(Self { newest, are_kept })
    }
}

/// Reads texts, including those that are not UTF-8, and counts these.
#[derive(Default)]
struct Texts {
    broken: usize,
}

impl Texts {
    fn read(&mut self, row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<String> {
        let bytes = row.get_ref(at)?.as_bytes_or_null()?.unwrap_or_default();
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                self.broken += 1;
                String::from_utf8_lossy(bytes).into_owned()
            }
        })
    }

    fn tell(&self) {
        if self.broken > 0 {
            tracing::warn!(
                "{} texts of the old log are not UTF-8: unreadable bytes became {}; the copy is unchanged",
                self.broken,
                char::REPLACEMENT_CHARACTER
            );
        }
    }
}

/// One old row with its time parsed.
struct Row<'a> {
    seq: i64,
    id: &'a str,
    ts: Timestamp,
    channel: &'a str,
    sender: &'a str,
    content: &'a str,
    metadata: Option<&'a str>,
}

fn insert(transaction: &Transaction<'_>, row: &Row<'_>) -> Result<(), StoreError> {
    let mentioned = mentions::extract(row.content);
    let list = serde_json::to_string(&mentioned).expect("a list of names is JSON");
    let list = (!mentioned.is_empty()).then_some(list);
    let mut statement = transaction.prepare_cached(
        "INSERT INTO messages (seq, msg_id, ts, channel, sender, content, mentions, metadata)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (msg_id, sender) DO NOTHING",
    )?;
    let mut insert = |id: &str| {
        statement.execute(params![
            row.seq,
            MessageId::new(id),
            row.ts.as_micros(),
            row.channel,
            row.sender,
            row.content,
            list,
            row.metadata,
        ])
    };
    if insert(row.id)? == 0 {
        // The first message with this id keeps the id; this one gets a new id.
        insert(&new_id())?;
    }
    for agent in mentioned.iter().filter(|agent| agent.as_str() != row.sender) {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO addressed (agent, seq) VALUES (?1, ?2)")?
            .execute(params![agent.as_str(), row.seq])?;
    }
    if row.channel.starts_with('#') {
        transaction.prepare_cached("INSERT OR IGNORE INTO channels (name) VALUES (?1)")?.execute([row.channel])?;
    }
    Ok(())
}

/// A time as 0.1.0's clients wrote it. Without an offset it is UTC.
fn read_time(text: &str) -> Option<Timestamp> {
    let naive = || {
        let time: NaiveDateTime = text.parse().ok()?;
        Some(Timestamp::from_micros(time.and_utc().timestamp_micros()))
    };
    Timestamp::parse(text).or_else(naive)
}

fn is_object(json: &str) -> bool {
    matches!(serde_json::from_str(json), Ok(serde_json::Value::Object(_)))
}
