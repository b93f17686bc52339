//! Finds, generates and claims names.

use std::path::{Path, PathBuf};

use orochi_protocol::AgentName;
use orochi_protocol::letters::{is_agent_char, is_first_char};

use super::Kind;
use super::registry::{self, Registry, SessionEntry, key};

/// The longest generated name, without an ending such as `-2`.
const MADE_UP_MAX: usize = 48;
/// Live sessions in one folder that get names of their own.
const SESSIONS_MAX: usize = 99;

/// A session that needs a name.
#[derive(Debug)]
pub struct Claim<'a> {
    pub kind: Kind,
    /// The client's id of its session, if known.
    pub session: Option<&'a str>,
    /// The client's working folder.
    pub folder: &'a Path,
    /// The client's process id.
    pub pid: u32,
    /// The name from `--name` or `OROCHI_AGENT`.
    pub given: Option<&'a str>,
}

impl Claim<'_> {
    /// The session's key. Without a session id, the process id is used.
    pub fn key(&self) -> String {
        match self.session {
            Some(session) => key(self.kind, session),
            None => key(self.kind, &format!("pid-{}", self.pid)),
        }
    }
}

/// Finds a name and stores it for the session. `is_live` returns whether the resident of a client's process answers.
///
/// # Errors
/// Fails if the given name is invalid, or agents.json can't be written.
pub fn claim(claim: &Claim<'_>, is_live: impl Fn(u32) -> bool) -> Result<AgentName, String> {
    let root = root(claim.folder);
    let claimed = Registry::change(|registry| {
        let name = find(registry, claim, &root, &is_live)?;
        let entry = registry.sessions.entry(claim.key()).or_default();
        (entry.name, entry.seen_at, entry.pid) = (name.as_str().to_owned(), registry::now(), claim.pid);
        Ok(name)
    });
    claimed.map_err(|error| format!("cannot write agents.json: {error}"))?
}

fn find(
    registry: &Registry,
    claim: &Claim<'_>,
    root: &Path,
    is_live: &dyn Fn(u32) -> bool,
) -> Result<AgentName, String> {
    let parse = |name: &str| AgentName::parse(name).map_err(|refusal| refusal.detail);
    if let Some(given) = claim.given {
        return parse(given);
    }
    let own = claim.key();
    let is_taken = |name: &str| {
        registry.sessions.iter().any(|(key, entry)| {
            *key != own && entry.name == name && entry.pid != 0 && entry.pid != claim.pid && is_live(entry.pid)
        })
    };
    if let Some(entry) = registry.sessions.get(&own).filter(|entry| !is_taken(&entry.name)) {
        return parse(&entry.name);
    }
    let project = key(claim.kind, &root.to_string_lossy());
    let base = registry.projects.get(&project).cloned().unwrap_or_else(|| made_up(root, claim.kind));
    let is_others = |name: &str| registry.projects.iter().any(|(key, own)| *key != project && own == name);
    (1..=SESSIONS_MAX)
        .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
        .find(|name| !is_taken(name) && !is_others(name))
        .ok_or_else(|| format!("{SESSIONS_MAX} sessions named {base} are live; name this one with OROCHI_AGENT"))
        .and_then(|name| parse(&name))
}

/// The generated name `<folder>-<client>`, limited to the characters of agent names.
pub fn made_up(root: &Path, kind: Kind) -> String {
    let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fitting: String =
        folder.chars().map(|c| if is_agent_char(c) { c } else { '-' }).skip_while(|c| !is_first_char(*c)).collect();
    let room = MADE_UP_MAX - kind.as_str().len() - 1;
    let folder: String = fitting.chars().take(room).collect();
    let folder = folder.trim_end_matches(['-', '.']);
    let name = if folder.is_empty() { format!("home-{kind}") } else { format!("{folder}-{kind}") };
    AgentName::parse(&name).map_or_else(|_| format!("home-{kind}"), |name| name.as_str().to_owned())
}

/// The root of the folder's git repository, or else the folder.
pub fn root(folder: &Path) -> PathBuf {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&folder).to_owned()
}

/// The stored name of a session or its project, if there is one.
pub fn entered(registry: &Registry, kind: Kind, session: &str, folder: &Path) -> Option<String> {
    let of_session = registry.session(kind, session).map(|entry: &SessionEntry| entry.name.clone());
    of_session.or_else(|| registry.projects.get(&key(kind, &root(folder).to_string_lossy())).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(sessions: &[(&str, &str, u32)]) -> Registry {
        let mut registry = Registry::default();
        for (key, name, pid) in sessions {
            let entry = SessionEntry { name: (*name).to_owned(), pid: *pid, ..SessionEntry::default() };
            registry.sessions.insert((*key).to_owned(), entry);
        }
        registry
    }

    fn found(registry: &Registry, session: Option<&str>, pid: u32, live: &[u32]) -> String {
        let claim = Claim { kind: Kind::Claude, session, folder: Path::new("/w/api"), pid, given: None };
        find(registry, &claim, Path::new("/w/api"), &|pid| live.contains(&pid)).unwrap().as_str().to_owned()
    }

    #[test]
    fn name_of_a_second_live_session_has_a_number_and_comes_back_on_resume() {
        let first = registry(&[("claude:a", "api-claude", 10)]);
        assert_eq!(found(&first, Some("b"), 11, &[10]), "api-claude-2");
        let both = registry(&[("claude:a", "api-claude", 10), ("claude:b", "api-claude-2", 11)]);
        assert_eq!(found(&both, Some("b"), 12, &[10]), "api-claude-2");
        assert_eq!(found(&both, Some("c"), 12, &[10, 11]), "api-claude-3");
    }

    #[test]
    fn name_of_a_crashed_session_is_free_at_once() {
        let crashed = registry(&[("claude:a", "api-claude", 10)]);
        assert_eq!(found(&crashed, Some("b"), 11, &[]), "api-claude");
        assert_eq!(found(&crashed, Some("a"), 12, &[]), "api-claude");
    }

    #[test]
    fn name_of_another_folder_is_not_taken() {
        let mut other = registry(&[]);
        other.projects.insert("claude:/v/api".to_owned(), "api-claude".to_owned());
        assert_eq!(found(&other, None, 11, &[]), "api-claude-2");
        other.projects.insert("claude:/w/api".to_owned(), "chosen".to_owned());
        assert_eq!(found(&other, None, 11, &[]), "chosen");
    }

    #[test]
    fn name_is_made_up_in_a_names_letters() {
        let long = format!("/{}", "x".repeat(80));
        for (root, name) in
            [("/w/api", "api-claude"), ("/w/-my api!", "my-api-claude"), ("/", "home-claude"), ("/w/дом", "дом-claude")]
        {
            assert_eq!(made_up(Path::new(root), Kind::Claude), name);
        }
        assert_eq!(made_up(Path::new(&long), Kind::Claude).chars().count(), 48);
    }
}
