//! `~/.config/orochi/agents.json`: the names of sessions and projects, and facts that outlive a session.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::delivery::Ledger;
use crate::files::{self, Lock};
use crate::{dirs, identity::Kind};

/// Sessions that were not seen for this time are removed.
const KEPT_SECONDS: u64 = 30 * 24 * 3600;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Registry {
    /// The key is `<client>:<session id>`.
    #[serde(default)]
    pub sessions: BTreeMap<String, SessionEntry>,
    /// Names; the key is `<client>:<root>`.
    #[serde(default)]
    pub projects: BTreeMap<String, String>,
    /// For each name, the handled messages after its stored cursor.
    #[serde(default)]
    pub ledgers: BTreeMap<String, Ledger>,
}

/// One session.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEntry {
    /// The agent's name.
    pub name: String,
    /// The time at which it was last seen, in seconds since 1970.
    pub seen_at: u64,
    /// The client's process id; 0 if no resident has run for it.
    #[serde(default)]
    pub pid: u32,
    /// Without a resident: the newest message that hooks have offered.
    #[serde(default)]
    pub offered: u64,
    /// Without a resident: the oldest request that was offered within a turn and not repeated at its end; 0 for none.
    #[serde(default)]
    pub held: u64,
    /// Without a resident: the last offer was the session's start. The first prompt does not prove that the agent read
    /// it.
    #[serde(default)]
    pub at_start: bool,
}

impl Registry {
    /// The file's path; None without a home folder.
    pub fn path() -> Option<PathBuf> {
        dirs::config().map(|folder| folder.join("agents.json"))
    }

    /// Reads the file. This needs no lock, because the file is always replaced as a whole. A missing or damaged file is
    /// empty.
    pub fn read() -> Self {
        Self::path()
            .and_then(|path| fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Changes the file under a lock.
    ///
    /// # Errors
    /// The system's error.
    pub fn change<T>(change: impl FnOnce(&mut Self) -> T) -> io::Result<T> {
        let path = Self::path().ok_or_else(|| io::Error::other("HOME is not set"))?;
        if let Some(folder) = path.parent() {
            dirs::make_private(folder)?;
        }
        let _lock = Lock::wait(&path.with_extension("lock"))?;
        let mut registry = Self::read();
        let result = change(&mut registry);
        let now = now();
        registry.sessions.retain(|_, entry| now.saturating_sub(entry.seen_at) < KEPT_SECONDS);
        files::write(&path, &serde_json::to_vec_pretty(&registry)?, 0o600)?;
        Ok(result)
    }

    pub fn session(&self, kind: Kind, session: &str) -> Option<&SessionEntry> {
        self.sessions.get(&key(kind, session))
    }
}

/// The key of a session or project.
pub fn key(kind: Kind, what: &str) -> String {
    format!("{kind}:{what}")
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
