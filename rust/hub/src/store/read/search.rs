//! Searching the whole log for words.

use std::collections::HashMap;

use orochi_protocol::Timestamp;
use rusqlite::{params, params_from_iter};

use super::Reader;
use super::history::Conditions;
use crate::store::{StoreError, StoredMessage};

/// Hits that are ranked by how well they match. Of a word that stands in more messages than this, the newest
/// are shown first instead: ranking would have to read all of them.
const RANKED_MAX: u32 = 1000;
/// Words around a hit in its snippet.
const SNIPPET_WORDS: u32 = 24;

/// What to search for, and where.
#[derive(Debug, Clone)]
pub struct Search {
    /// Words; all must stand in the message.
    pub text: String,
    /// Only this channel's, or this conversation's by its key.
    pub channel: Option<String>,
    /// Only this sender's.
    pub sender: Option<String>,
    /// Not before this time; inclusive.
    pub since: Option<Timestamp>,
    /// Not after this time; inclusive.
    pub until: Option<Timestamp>,
    /// Who asks: direct messages are found only by one of their two sides.
    pub agent: Option<String>,
    /// At most this many hits.
    pub limit: u32,
}

impl Reader {
    /// Messages with a snippet each, best match first.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn search(&self, search: &Search) -> Result<Vec<(StoredMessage, String)>, StoreError> {
        let Some(expression) = match_expression(&search.text) else { return Ok(Vec::new()) };
        let mut conditions = Conditions::default();
        conditions.and("messages_fts MATCH ?", expression.clone());
        if let Some(channel) = &search.channel {
            conditions.and("channel = ?", channel.clone());
        }
        if let Some(sender) = &search.sender {
            conditions.and("sender = ?", sender.clone());
        }
        self.bound(&mut conditions, search.since, search.until)?;
        // A side's name is compared as text: LIKE would read `_` in it as any character.
        conditions.and(
            "(substr(channel, 1, 1) <> '@' OR instr(channel, ' @') = 0
              OR substr(channel, 1, length(?) + 3) = '@' || ? || ' @' OR substr(channel, -length(?) - 2) = ' @' || ?)",
            search.agent.clone().unwrap_or_default(),
        );
        let clause = conditions.sql().to_owned();
        let (limit, values) = conditions.values_with(RANKED_MAX);
        let newest = format!(
            "SELECT messages_fts.rowid FROM messages_fts JOIN messages ON seq = messages_fts.rowid{clause}
             ORDER BY messages_fts.rowid DESC LIMIT {limit}"
        );
        let mut hits: Vec<i64> = self
            .connection
            .prepare_cached(&newest)?
            .query_map(params_from_iter(values), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if self.is_rare(&expression)? {
            self.rank(&expression, &mut hits)?;
        }
        hits.truncate(search.limit as usize);
        hits.into_iter().map(|seq| self.hit(&expression, seq)).collect()
    }

    /// Whether few enough messages of the whole log match for all of them to be ranked.
    fn is_rare(&self, expression: &str) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM (SELECT rowid FROM messages_fts WHERE messages_fts MATCH ?1 LIMIT ?2)",
        )?;
        let found: u32 = statement.query_row(params![expression, RANKED_MAX + 1], |row| row.get(0))?;
        Ok(found <= RANKED_MAX)
    }

    /// Puts the best match first; of equal ones the newest.
    fn rank(&self, expression: &str, hits: &mut [i64]) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT rowid, bm25(messages_fts) FROM messages_fts WHERE messages_fts MATCH ?1")?;
        let ranks: HashMap<i64, f64> =
            statement.query_map([expression], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let rank = |seq: &i64| ranks.get(seq).copied().unwrap_or(0.0);
        hits.sort_by(|one, other| rank(one).total_cmp(&rank(other)).then(other.cmp(one)));
        Ok(())
    }

    fn hit(&self, expression: &str, seq: i64) -> Result<(StoredMessage, String), StoreError> {
        let sql = format!(
            "SELECT snippet(messages_fts, 0, '', '', '…', {SNIPPET_WORDS}) FROM messages_fts
             WHERE messages_fts MATCH ?1 AND rowid = ?2"
        );
        let snippet = self.connection.prepare_cached(&sql)?.query_row(params![expression, seq], |row| row.get(0))?;
        let message = self.message(orochi_protocol::Seq::from_i64(seq))?;
        Ok((message.ok_or(rusqlite::Error::QueryReturnedNoRows)?, snippet))
    }
}

/// The search index's expression for words, each quoted so that none has a meaning of its own; None where
/// there is no word.
pub(super) fn match_expression(text: &str) -> Option<String> {
    let clean = text.replace('\0', " ");
    let words: Vec<String> = clean
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}
