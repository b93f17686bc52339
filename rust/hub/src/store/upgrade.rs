//! A log of scitex-orochi 0.1.0, upgraded in place (PROTOCOL section 10): all rows are kept in the order of
//! their `id`, which becomes their seq.

use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use orochi_protocol::{Timestamp, mentions};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::StoreError;
use super::write::MessageId;

const LEGACY_COLUMNS: [&str; 8] = ["id", "msg_id", "ts", "channel", "sender", "content", "mentions", "metadata"];

/// Whether the file is a 0.1.0 log: a `messages` table with just its columns.
pub(super) fn is_legacy(connection: &Connection) -> Result<bool, StoreError> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('messages')")?;
    let columns: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(columns == LEGACY_COLUMNS)
}

/// Copies the file, with what its WAL holds, to a name beside it that is not taken.
pub(super) fn copy_beside(connection: &Connection, path: &Path) -> Result<PathBuf, StoreError> {
    let copy_error = |reason: String| StoreError::Copy { path: path.to_owned(), reason };
    let copy = (0..1000)
        .map(|n| {
            let mut name = path.as_os_str().to_owned();
            name.push(if n == 0 { ".0.1.0".to_owned() } else { format!(".0.1.0.{n}") });
            PathBuf::from(name)
        })
        .find(|copy| !copy.exists())
        .ok_or_else(|| copy_error("a thousand copies are there already".to_owned()))?;
    let target = copy.to_str().ok_or_else(|| copy_error("its path is not Unicode".to_owned()))?;
    if let Err(error) = connection.execute("VACUUM INTO ?1", [target]) {
        // Half a copy is worse than none; where it can't be removed, the error says what matters.
        let _ = std::fs::remove_file(&copy);
        return Err(copy_error(error.to_string()));
    }
    Ok(copy)
}

/// Renames the old table and drops its indexes, so that the new ones can be made.
pub(super) fn set_aside(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute_batch(
        "DROP INDEX IF EXISTS idx_messages_channel;
         DROP INDEX IF EXISTS idx_messages_sender;
         DROP INDEX IF EXISTS idx_messages_ts;
         ALTER TABLE messages RENAME TO legacy_messages;",
    )?;
    Ok(())
}

/// Moves the old rows into the new tables.
pub(super) fn take_over(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut last = Timestamp::from_micros(0);
    let mut newest = last;
    let mut legacy_head = 0;
    let mut statement = transaction.prepare(
        "SELECT id, CAST(msg_id AS TEXT), CAST(ts AS TEXT), CAST(channel AS TEXT), CAST(sender AS TEXT),
                CAST(content AS TEXT), metadata FROM legacy_messages ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = |at| -> rusqlite::Result<String> { Ok(row.get::<_, Option<String>>(at)?.unwrap_or_default()) };
        let seq: i64 = row.get(0)?;
        last = read_time(&text(2)?).unwrap_or(last);
        newest = newest.max(last);
        legacy_head = seq;
        let metadata = row.get_ref(6)?.as_str_or_null().ok().flatten().filter(|json| is_object(json));
        let (id, channel, sender, content) = (text(1)?, text(3)?, text(4)?, text(5)?);
        insert(
            transaction,
            &Row { seq, id: &id, ts: last, channel: &channel, sender: &sender, content: &content, metadata },
        )?;
    }
    drop(rows);
    drop(statement);
    // 0.1.0 deleted old rows; their numbers are not given again.
    let ever_used: Option<i64> = transaction
        .query_row("SELECT seq FROM sqlite_sequence WHERE name IN ('messages', 'legacy_messages')", [], |row| {
            row.get(0)
        })
        .optional()?;
    let head_floor = ever_used.unwrap_or(0).max(legacy_head);
    for (key, value) in
        [("legacy_head", head_floor), ("head_floor", head_floor), ("legacy_last_ts", newest.as_micros())]
    {
        transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![key, value])?;
    }
    transaction.execute_batch("DROP TABLE legacy_messages")?;
    Ok(())
}

/// One old row, its time already read.
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
        // The first with this id keeps it.
        insert(&uuid::Uuid::now_v7().to_string())?;
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

/// A time as 0.1.0's clients wrote it; one without an offset is UTC.
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
