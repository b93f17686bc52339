//! The tables, as numbered steps. `PRAGMA user_version` is the number of steps that were applied to a file.

use rusqlite::{Connection, Transaction};

use super::StoreError;

/// The newest schema.
pub(super) const VERSION: i64 = 8;

/// Step `n` upgrades a file from version `n` to `n + 1`.
const STEPS: [&str; VERSION as usize] = [STEP_1, STEP_2, STEP_3, STEP_4, STEP_5, STEP_6, STEP_7, STEP_8];

/// - `messages.msg_id` is a 16-byte blob if the id is a UUID in its usual notation, else text. The index of ids has the
///   id first: time-ordered ids of all senders are appended at its end.
/// - `messages_fts` was the index of words until step 6.
/// - `addressed` finds the messages for an agent without reading the log.
const STEP_1: &str = "
    CREATE TABLE messages (
        seq      INTEGER PRIMARY KEY,
        msg_id   NOT NULL,
        ts       INTEGER NOT NULL,
        channel  TEXT NOT NULL,
        sender   TEXT NOT NULL,
        content  TEXT NOT NULL,
        mentions TEXT,
        metadata TEXT,
        reply_to INTEGER,
        extra    TEXT
    );
    CREATE UNIQUE INDEX messages_by_id ON messages (msg_id, sender);
    CREATE INDEX messages_by_channel ON messages (channel, seq);
    CREATE INDEX messages_by_reply ON messages (reply_to, seq) WHERE reply_to IS NOT NULL;
    CREATE VIRTUAL TABLE messages_fts USING fts5 (
        content, content='messages', content_rowid='seq', tokenize='unicode61 remove_diacritics 2'
    );
    CREATE TABLE addressed (agent TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (agent, seq)) WITHOUT ROWID;
    CREATE TABLE channels (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE agents (
        name          TEXT PRIMARY KEY,
        machine       TEXT NOT NULL,
        role          TEXT NOT NULL,
        model         TEXT NOT NULL,
        agent_id      TEXT NOT NULL,
        project       TEXT NOT NULL,
        status        TEXT NOT NULL,
        current_task  TEXT NOT NULL,
        progress      REAL,
        channels      TEXT NOT NULL,
        cursor        INTEGER,
        first_head    INTEGER NOT NULL,
        first_seen    INTEGER NOT NULL,
        registered_at INTEGER NOT NULL,
        last_seen     INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
";

/// Calls to Gitea; those of the last day are kept.
const STEP_2: &str = "
    CREATE TABLE calls (
        asker  TEXT NOT NULL,
        id     TEXT NOT NULL,
        asked  TEXT NOT NULL,
        begun  INTEGER NOT NULL,
        answer TEXT,
        PRIMARY KEY (asker, id)
    ) WITHOUT ROWID;
    CREATE INDEX calls_by_time ON calls (begun);
";

/// The start of each state of an agent: its reported status, or `offline`.
const STEP_3: &str = "
    CREATE TABLE agent_states (agent TEXT NOT NULL, ts INTEGER NOT NULL, state TEXT NOT NULL);
    CREATE INDEX agent_states_by_agent ON agent_states (agent, ts);
    CREATE INDEX agent_states_by_time ON agent_states (ts);
";

/// The key that signs dashboard logins. It is created once, so that logins survive a restart.
const STEP_4: &str = "INSERT OR IGNORE INTO meta (key, value) VALUES ('session_key', randomblob(32));";

/// Marks of events on other hosts, so that each is posted once.
const STEP_5: &str =
    "CREATE TABLE marks (key TEXT PRIMARY KEY, value TEXT NOT NULL, ts INTEGER NOT NULL) WITHOUT ROWID;";

/// The index of words is now a file of its own, see the module `search`.
const STEP_6: &str = "DROP TABLE IF EXISTS messages_fts;";

/// Returns whether a file of version `from` has the index of words. Its pages are free after the upgrade.
pub(super) fn held_the_index(from: i64) -> bool {
    (1..6).contains(&from)
}

/// - `clock_steps` has the first message after each time that the clock was set back. Between two steps times rise.
/// - The newest state of an agent is the one written last, whatever its time.
const STEP_7: &str = "
    CREATE TABLE clock_steps (seq INTEGER PRIMARY KEY);
    CREATE INDEX agent_states_in_order ON agent_states (agent);
";

/// The channels stored with each name, and their start; NULL if the agent never named any.
const STEP_8: &str = "
    ALTER TABLE agents ADD COLUMN kept TEXT;
    UPDATE agents SET kept = (SELECT json_group_object(value, 0) FROM json_each(agents.channels))
    WHERE channels != '[]' AND json_valid(channels);
";

/// The file's schema version; 0 for a new file or one of another program.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Upgrades a file from version `from` to the newest, within a transaction.
pub(super) fn migrate(transaction: &Transaction<'_>, from: i64) -> Result<(), StoreError> {
    let done = usize::try_from(from).unwrap_or(0);
    for step in &STEPS[done..] {
        transaction.execute_batch(step)?;
    }
    if from == 0 {
        let epoch = uuid::Uuid::new_v4().to_string();
        transaction.execute("INSERT INTO meta (key, value) VALUES ('epoch', ?1)", [epoch])?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}
