//! The objects of actions: repositories, issues and labels, each parsed into a value that can be sent.

use std::fmt;

use orochi_protocol::Refusal;
use orochi_protocol::fields::invalid;
use orochi_protocol::names::shown;
use serde::Deserialize;

/// Longest name of an owner, organisation or repository. Gitea's own limits are lower.
const NAME_CHARS_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repo {
    /// A user or an organisation.
    pub owner: Name,
    pub name: Name,
}

/// An existing issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issue {
    pub repo: Repo,
    /// Its number in the repository, not Gitea's id for it.
    pub number: u32,
}

/// A label, by name or by Gitea's id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Label {
    /// A name in the repository or its organisation.
    Name(String),
    Id(u64),
}

/// Filters a list of issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Closed,
    /// Open and closed issues.
    All,
}

impl State {
    /// The word in Gitea's API.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Closed => "closed",
            State::All => "all",
        }
    }
}

/// The name of a user, organisation or repository. It is always a single path segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(field: &str, text: String) -> Result<Self, Refusal> {
        let is_written_so = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_dots = text == "." || text == "..";
        if text.is_empty() || is_dots || text.len() > NAME_CHARS_MAX || !text.chars().all(is_written_so) {
            let expected = "a name as Gitea has them: 1 to 100 letters, digits, '-', '_' and '.'";
            return Err(invalid(field, expected, &shown(&text)));
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner.0, self.name.0)
    }
}

impl Repo {
    pub(super) fn parse(owner: String, name: String) -> Result<Self, Refusal> {
        Ok(Self { owner: Name::parse("owner", owner)?, name: Name::parse("repo", name)? })
    }
}
