//! The index's file: an SQLite database beside the log. It can be deleted at any time, because it is derived from the
//! log.
//!
//! Each segment is an FTS5 table for 100 000 seqs. So a merge never costs more than one segment, and a full segment is
//! not written again. `detail=none` stores which messages have a token, but not where. The message is read anyway to
//! show it, and gives the positions.

use std::fs;
use std::path::{Path, PathBuf};

use orochi_protocol::Seq;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};

use super::filter;
use super::part::Part;
use super::tokens::{Expression, TOKEN_CHARS};

/// The format of the file and of its tokens. A file with another format is rebuilt.
const FORMAT: i64 = 2;
/// Seqs of a segment.
pub(crate) const SEGMENT_SEQS: u64 = 100_000;
/// Sorted runs of one size in a segment before FTS5 merges all of them at once. In a flood of short messages, a segment
/// has fewer, so that each word is merged once, when the segment is full. By default FTS5 merges four at a time, again
/// and again. With one message a transaction, the open segment has at most three times as many, which a search reads.
const RUNS_MAX: u32 = 32;

/// The newest indexed message. It reveals an index that belongs to another log, or to a newer state of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The newest message in the index; zero if it is empty.
    pub seq: Seq,
    /// The id of that message.
    pub id: String,
}

/// A reason why the index can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// The file is damaged or not an index. It is set aside and rebuilt.
    #[error("{0}")]
    Damaged(String),
    /// The file is sound, but made from another log, from a newer state of this one, or by another version. It is
    /// rebuilt.
    #[error("{0}")]
    Stale(&'static str),
    /// The disk refused. A later try may succeed.
    #[error(transparent)]
    Disk(rusqlite::Error),
}

impl From<rusqlite::Error> for IndexError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Disk(error),
        }
    }
}

/// The path of the index for the log at `db`: `orochi.db` has `orochi.search.db`.
pub(crate) fn path_beside(db: &Path) -> PathBuf {
    db.with_extension("search.db")
}

/// The writer of the index.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    connection: Connection,
    mark: Mark,
    part: Part,
}

impl Writer {
    /// Opens the index at `path`, or creates an empty one, for the log with this `epoch`.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if the file is not an index, [`IndexError::Stale`] if it is of another version or log.
    pub(crate) fn open(path: &Path, epoch: &str) -> Result<Self, IndexError> {
        create_private(path);
        let connection = connect(path)?;
        let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 {
            make(&connection, epoch)?;
        } else if format == 0 {
            return Err(IndexError::Damaged("it is another program's database".to_owned()));
        } else if format != FORMAT || !has_epoch(&connection, epoch)? {
            return Err(IndexError::Stale("it was made from another log or by another version"));
        }
        let mark = read_mark(&connection)?;
        Ok(Self { path: path.to_owned(), connection, mark, part: Part::default() })
    }

    /// The newest message in the index.
    pub(crate) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Adds messages in one transaction, in the order of the log. `fill` gets an empty part, to which it adds some
    /// messages after a seq, and none at the end of the batch.
    ///
    /// # Errors
    /// Errors of `fill`. Also fails if the disk refuses. Then none of the messages is in the index.
    pub(super) fn add(
        &mut self,
        mut fill: impl FnMut(Seq, &mut Part) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let Self { connection, part, .. } = self;
        let mut mark = self.mark.clone();
        let mut next = |after: Seq, part: &mut Part| {
            part.clear();
            fill(after, part)
        };
        next(mark.seq, part)?;
        if part.last().is_none() {
            return Ok(());
        }
        let transaction = connection.transaction()?;
        let mut is_one_full = false;
        while let Some((seq, id)) = part.last() {
            is_one_full |= insert(&transaction, mark.seq, part)?;
            mark = Mark { seq, id: id.to_owned() };
            next(mark.seq, part)?;
        }
        let mut set_mark = transaction.prepare_cached("UPDATE mark SET seq = ?1, id = ?2")?;
        set_mark.execute(params![mark.seq.as_i64(), mark.id])?;
        drop(set_mark);
        transaction.commit()?;
        self.mark = mark;
        if is_one_full {
            // FTS5 keeps hundreds of kilobytes of buffers for each table until its connection closes.
            self.connection = connect(&self.path)?;
        }
        Ok(())
    }
}

/// Inserts a part whose messages come after `before`. Returns whether another segment is full now.
fn insert(transaction: &Transaction<'_>, mut before: Seq, part: &Part) -> Result<bool, IndexError> {
    let mut is_one_full = false;
    let mut messages = part.iter().peekable();
    while let Some((first, _)) = messages.peek() {
        let segment = segment_of(*first);
        is_one_full |= change_segment(transaction, before, *first)?;
        let sql = format!("INSERT INTO segment_{segment} (rowid, tokens) VALUES (?1, ?2)");
        let mut statement = transaction.prepare_cached(&sql)?;
        while let Some((seq, tokens)) = messages.next_if(|(seq, _)| segment_of(*seq) == segment) {
            statement.execute(params![seq.as_i64(), tokens])?;
            before = seq;
        }
    }
    Ok(is_one_full)
}

/// Begins the segment of `seq` if it is not that of `before`. Returns whether another one is full now.
fn change_segment(transaction: &Transaction<'_>, before: Seq, seq: Seq) -> Result<bool, IndexError> {
    let is_first = before == Seq::ZERO;
    if !is_first && segment_of(before) == segment_of(seq) {
        return Ok(false);
    }
    if !is_first {
        finish_segment(transaction, segment_of(before))?;
    }
    begin_segment(transaction, segment_of(seq))?;
    Ok(!is_first)
}

fn connect(path: &Path) -> Result<Connection, IndexError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // NORMAL is safe: after a power failure the index is rebuilt from the log, so it needs no syncs.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(connection)
}

/// A reader of the index.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the index at `path` for reading.
    ///
    /// # Errors
    /// Fails if the index does not exist or can't be read.
    pub(crate) fn open(path: &Path) -> Result<Self, IndexError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(1))?;
        connection.pragma_update(None, "cache_size", -512)?;
        // One for each segment that a search reads, which are mostly the newest.
        connection.set_prepared_statement_cache_capacity(16);
        Ok(Self { connection })
    }

    /// Runs `read` on one state of the index.
    ///
    /// # Errors
    /// Errors of `read`. Also fails if the file can't be read.
    pub(crate) fn snapshot<T, E: From<IndexError>>(
        &self,
        read: impl FnOnce(&Snapshot<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.connection.unchecked_transaction().map_err(IndexError::from)?;
        let mark = read_mark(&transaction)?;
        read(&Snapshot { connection: Some(&transaction), indexed_up_to: mark.seq })
    }
}

/// One state of the index.
#[derive(Debug)]
pub(crate) struct Snapshot<'a> {
    /// None if there is no index.
    connection: Option<&'a Connection>,
    /// The newest message in the index.
    pub indexed_up_to: Seq,
}

impl Snapshot<'_> {
    /// The state of a missing index.
    pub(crate) fn empty() -> Self {
        Self { connection: None, indexed_up_to: Seq::ZERO }
    }

    /// Calls `visit` with the seqs that match `expression`, newest first, from below `before` down to `from`, until
    /// `visit` returns false.
    ///
    /// # Errors
    /// Errors of `visit`. Also fails if the file can't be read.
    pub(crate) fn matches<E: From<IndexError>>(
        &self,
        expression: &Expression,
        from: Seq,
        before: Seq,
        mut visit: impl FnMut(Seq) -> Result<bool, E>,
    ) -> Result<(), E> {
        let Some(connection) = self.connection else { return Ok(()) };
        let mut segments = segments(connection, from, before)?;
        filter::narrow(connection, &expression.terms, &mut segments).map_err(IndexError::from)?;
        for segment in segments {
            let sql = format!(
                "SELECT rowid FROM segment_{segment}
                 WHERE segment_{segment} MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC"
            );
            let mut statement = connection.prepare_cached(&sql).map_err(IndexError::from)?;
            let bounds = params![expression.text, from.as_i64(), before.as_i64()];
            let mut rows = statement.query(bounds).map_err(IndexError::from)?;
            while let Some(row) = rows.next().map_err(IndexError::from)? {
                let seq = Seq::from_i64(row.get(0).map_err(IndexError::from)?);
                if !visit(seq)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The segments with seqs from `from` to below `before`, newest first.
fn segments(connection: &Connection, from: Seq, before: Seq) -> Result<Vec<i64>, IndexError> {
    let mut statement =
        connection.prepare_cached("SELECT number FROM segments WHERE number BETWEEN ?1 AND ?2 ORDER BY number DESC")?;
    let found = statement.query_map([segment_of(from), segment_of(before)], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Moves an unusable file out of the way, replacing an earlier one. Returns its new name.
///
/// # Errors
/// Fails if the folder can't be written.
pub(crate) fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    let aside = PathBuf::from(aside);
    fs::rename(path, &aside)?;
    remove_companions(path);
    Ok(aside)
}

/// Removes the index.
///
/// # Errors
/// Fails if the folder can't be written.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    fs::remove_file(path)?;
    remove_companions(path);
    Ok(())
}

/// Removes SQLite's files beside the index. SQLite would read them as part of the new file.
fn remove_companions(path: &Path) {
    for ending in ["-wal", "-shm"] {
        let mut companion = path.as_os_str().to_owned();
        companion.push(ending);
        // The file may not exist.
        let _ = fs::remove_file(PathBuf::from(companion));
    }
}

/// Creates the file readable only by its owner, because it has words of direct messages. SQLite gives its companion
/// files the same mode.
fn create_private(path: &Path) {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut new = fs::OpenOptions::new();
    // An existing file keeps its mode. Any error appears again when SQLite opens the file.
    if let Ok(file) = new.write(true).create_new(true).mode(0o600).open(path) {
        // The umask may have removed some of the mode's bits.
        let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
    }
}

fn make(connection: &Connection, epoch: &str) -> Result<(), IndexError> {
    connection.execute_batch(&format!(
        "BEGIN;
         CREATE TABLE mark (epoch TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL);
         CREATE TABLE segments (number INTEGER PRIMARY KEY);
         {}
         PRAGMA user_version = {FORMAT};",
        filter::SCHEMA
    ))?;
    connection.execute("INSERT INTO mark VALUES (?1, 0, '')", [epoch])?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

fn has_epoch(connection: &Connection, epoch: &str) -> Result<bool, IndexError> {
    let found = connection.query_row("SELECT epoch = ?1 FROM mark", [epoch], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(false))
}

fn read_mark(connection: &Connection) -> Result<Mark, IndexError> {
    let mut statement = connection.prepare_cached("SELECT seq, id FROM mark")?;
    let mark = statement.query_row([], |row| Ok(Mark { seq: Seq::from_i64(row.get(0)?), id: row.get(1)? }));
    mark.optional()?.ok_or_else(|| IndexError::Damaged("it has no record of its newest message".to_owned()))
}

fn begin_segment(transaction: &Transaction<'_>, segment: i64) -> rusqlite::Result<()> {
    // With `prefix`, `rout*` is one look-up. Without it, FTS5 would read each word that begins with `rout`.
    transaction.execute_batch(&format!(
        "INSERT INTO segments VALUES ({segment});
         CREATE VIRTUAL TABLE segment_{segment} USING fts5 (
             tokens, content='', detail=none, columnsize=0, prefix='3', tokenize=\"ascii tokenchars '{TOKEN_CHARS}'\"
         );
         INSERT INTO segment_{segment} (segment_{segment}, rank) VALUES ('automerge', 0), ('crisismerge', {RUNS_MAX});"
    ))
}

/// Optimizes a full segment to its smallest form, and writes its filter.
fn finish_segment(transaction: &Transaction<'_>, segment: i64) -> rusqlite::Result<()> {
    transaction.execute(&format!("INSERT INTO segment_{segment} (segment_{segment}) VALUES ('optimize')"), [])?;
    filter::write(transaction, segment)
}

fn segment_of(seq: Seq) -> i64 {
    i64::try_from(seq.get().saturating_sub(1) / SEGMENT_SEQS).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use orochi_protocol::Timestamp;

    use super::*;
    use crate::search::tokens;
    use crate::store::{Message, Place};

    fn message(n: u64) -> Message {
        Message {
            seq: Seq::new(n).unwrap(),
            id: n.to_string(),
            ts: Timestamp::from_micros(0),
            place: Place::parse("#c"),
            sender: "alice".to_owned(),
            content: format!("word w{n}"),
            mentions: "[]".to_owned(),
            metadata: "{}".to_owned(),
            reply_to: None,
            extra: None,
        }
    }

    fn found(path: &Path, word: &str) -> (u64, Vec<u64>) {
        let reader = Reader::open(path).unwrap();
        reader
            .snapshot(|snapshot| {
                let term = tokens::Term::whole(word.to_owned());
                let expression = Expression::new(vec![term], None).unwrap();
                let mut seqs = Vec::new();
                snapshot.matches::<IndexError>(&expression, Seq::ZERO, Seq::MAX, |seq| {
                    seqs.push(seq.get());
                    Ok(true)
                })?;
                Ok::<_, IndexError>((snapshot.indexed_up_to.get(), seqs))
            })
            .unwrap()
    }

    #[test]
    fn batch_of_parts_over_several_segments_is_added_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.search.db");
        let mut writer = Writer::open(&path, "e").unwrap();
        let log = [1, 2, 99_999, 100_000, 100_001, 350_000, 350_001, 600_000];
        let parts = |fails_at: Option<usize>| {
            let mut part = 0;
            move |after: Seq, into: &mut Part| {
                part += 1;
                if Some(part) == fails_at {
                    return Err(IndexError::Disk(rusqlite::Error::InvalidQuery));
                }
                log.into_iter().filter(|n| *n > after.get()).take(3).for_each(|n| into.push(&message(n)));
                Ok(())
            }
        };
        for fails_at in [1, 2, 3, 4] {
            assert!(writer.add(parts(Some(fails_at))).is_err(), "{fails_at}");
            assert_eq!(writer.mark().seq, Seq::ZERO);
            assert_eq!(found(&path, "word"), (0, vec![]));
        }
        writer.add(parts(None)).unwrap();
        let mut all = log.to_vec();
        all.reverse();
        assert_eq!(found(&path, "word"), (600_000, all.clone()));
        // Each message has its own tokens, not those of its neighbours in the part.
        for n in log {
            assert_eq!(found(&path, &format!("w{n}")).1, [n]);
        }
        writer.add(parts(None)).unwrap();
        assert_eq!(found(&path, "word"), (600_000, all));
        assert_eq!((writer.mark().seq.get(), writer.mark().id.as_str()), (600_000, "600000"));
    }

    #[test]
    fn runs_of_single_messages_are_merged_in_time_and_all_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.search.db");
        let mut writer = Writer::open(&path, "e").unwrap();
        let all = u64::from(RUNS_MAX) * 3;
        for n in 1..=all {
            let one = |after: Seq, into: &mut Part| {
                if after.get() < n {
                    into.push(&message(n));
                }
                Ok(())
            };
            writer.add(one).unwrap();
        }
        let sql = "SELECT count(DISTINCT segid) FROM segment_0_idx";
        let runs: u32 = writer.connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert!((2..2 * RUNS_MAX).contains(&runs), "{runs}");
        assert_eq!(found(&path, "word"), (all, (1..=all).rev().collect()));
    }
}
