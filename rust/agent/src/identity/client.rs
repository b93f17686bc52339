//! The kinds of clients, as they appear in names and entries.

use std::fmt;

/// A coding agent's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Claude Code.
    Claude,
    /// Codex CLI.
    Codex,
    /// Cursor.
    Cursor,
    /// Gemini CLI.
    Gemini,
    /// opencode.
    Opencode,
    /// Any other MCP client.
    Agent,
}

impl Kind {
    /// The word for names and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Cursor => "cursor",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
            Self::Agent => "agent",
        }
    }

    /// The kind that MCP's `clientInfo.name` means.
    pub fn of_client_info(name: &str) -> Self {
        let name = name.to_lowercase();
        [Self::Claude, Self::Codex, Self::Cursor, Self::Gemini, Self::Opencode]
            .into_iter()
            .find(|kind| name.contains(kind.as_str()))
            .unwrap_or(Self::Agent)
    }

    /// Parses the argument of `orochi hook` and `orochi init`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "claude" | "claude-code" => Some(Self::Claude),
            "codex" => Some(Self::Codex),
            "cursor" => Some(Self::Cursor),
            "gemini" => Some(Self::Gemini),
            "opencode" => Some(Self::Opencode),
            "agent" => Some(Self::Agent),
            _ => None,
        }
    }

    /// Returns whether the client has hooks, by which a mention can reach its agent without a wake.
    pub fn has_hooks(self) -> bool {
        !matches!(self, Self::Opencode | Self::Agent)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
