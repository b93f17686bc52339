//! Composes the names in a log that is older than the comparison of names in NFC (docs/protocol.md, sections 4 and 10).
//! This runs once per log, so that an agent that registers under a composed name gets its waiting messages.
//!
//! If two agents become one, the composed record stays, with the earlier of the two cursors: a repeated message is
//! better than a lost one.

use orochi_protocol::letters::nfc;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Pair, Place};

/// The key in `meta` that is set once all names are composed. Newer names are composed when they are read.
const DONE: &str = "names_composed";

/// Columns whose value is a single name.
const NAME_COLUMNS: [(&str, &str); 5] =
    [("agents", "name"), ("channels", "name"), ("addressed", "agent"), ("agent_states", "agent"), ("calls", "asker")];

/// Composes all names of the log, unless this was done before.
pub(super) fn compose_names(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let done = transaction.query_row("SELECT 1 FROM meta WHERE key = ?1", [DONE], |_| Ok(())).optional()?;
    if done.is_some() {
        return Ok(());
    }
    compose_messages(transaction)?;
    for (table, column) in NAME_COLUMNS {
        for (old, new) in changed_names(transaction, table, column)? {
            if table == "agents" {
                keep_earlier_cursor(transaction, &old, &new)?;
            }
            let update = format!("UPDATE OR IGNORE {table} SET {column} = ?2 WHERE {column} = ?1");
            transaction.execute(&update, [&old, &new])?;
            // The remaining rows already exist under the composed name.
            transaction.execute(&format!("DELETE FROM {table} WHERE {column} = ?1"), [&old])?;
        }
    }
    compose_channel_lists(transaction)?;
    transaction.execute("INSERT INTO meta (key, value) VALUES (?1, 1)", [DONE])?;
    Ok(())
}

fn changed_names(transaction: &Transaction<'_>, table: &str, column: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = transaction.prepare(&format!("SELECT DISTINCT {column} FROM {table}"))?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    let changed = names.filter_map(|name| name.map(|name| composed(&name).map(|new| (name, new))).transpose());
    changed.collect()
}

fn keep_earlier_cursor(transaction: &Transaction<'_>, old: &str, new: &str) -> rusqlite::Result<()> {
    // NULL counts as the earliest cursor: it means the first head.
    transaction.execute(
        "UPDATE agents SET cursor = min(agents.cursor, other.cursor), first_head = min(agents.first_head, other.first_head)
         FROM (SELECT cursor, first_head FROM agents WHERE name = ?1) AS other WHERE name = ?2",
        [old, new],
    )?;
    Ok(())
}

/// Composes the channels of each agent's last connection, a JSON list. Names need no escapes in it.
fn compose_channel_lists(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    for (old, new) in changed_names(transaction, "agents", "channels")? {
        transaction.execute("UPDATE agents SET channels = ?2 WHERE channels = ?1", [&old, &new])?;
    }
    let keeps = "UPDATE agents SET kept = (SELECT json_group_object(value, 0) FROM json_each(agents.channels))
                 WHERE kept IS NOT NULL";
    transaction.execute(keeps, [])?;
    Ok(())
}

/// Composes senders and channels in one pass. These columns precede the content, so long texts are not read.
fn compose_messages(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut changes = Vec::new();
    let mut statement = transaction.prepare("SELECT seq, channel, sender FROM messages")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (channel, sender) = (row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
        if channel.is_ascii() && sender.is_ascii() {
            continue;
        }
        let new_channel = composed_channel(channel);
        let new_sender = composed(sender);
        if new_channel.is_some() || new_sender.is_some() {
            let seq: i64 = row.get(0)?;
            changes.push((
                seq,
                new_channel.unwrap_or_else(|| channel.to_owned()),
                new_sender.unwrap_or_else(|| sender.to_owned()),
            ));
        }
    }
    for (seq, channel, sender) in changes {
        // The index allows one message for each sender and id. If two would collide, the first one keeps the name.
        let update = "UPDATE OR IGNORE messages SET channel = ?2, sender = ?3 WHERE seq = ?1";
        transaction.prepare_cached(update)?.execute(params![seq, channel, sender])?;
    }
    compose_mentions(transaction)
}

/// Composes mentions. Every mentioned agent is in `addressed` too, so only those messages are read.
fn compose_mentions(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    for (old, _) in changed_names(transaction, "addressed", "agent")? {
        let select = "SELECT seq, mentions FROM messages WHERE seq IN (SELECT seq FROM addressed WHERE agent = ?1)
                      AND mentions IS NOT NULL";
        let mut statement = transaction.prepare(select)?;
        let rows = statement.query_map([&old], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let rows: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>()?;
        for (seq, mentions) in rows {
            if let Some(mentions) = composed(&mentions) {
                transaction.execute("UPDATE messages SET mentions = ?2 WHERE seq = ?1", params![seq, mentions])?;
            }
        }
    }
    Ok(())
}

/// The composed name of a channel, or text of a conversation, with its two names in order.
fn composed_channel(channel: &str) -> Option<String> {
    let new = composed(channel)?;
    Some(match Place::parse(&new) {
        Place::Conversation(pair) => {
            let [one, other] = pair.sides();
            Place::Conversation(Pair::new(one, other)).to_string()
        }
        Place::Channel(_) | Place::Other(_) => new,
    })
}

/// The text in NFC, if that differs.
fn composed(text: &str) -> Option<String> {
    let new = nfc(text);
    (new != text).then(|| new.into_owned())
}
