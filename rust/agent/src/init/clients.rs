//! The files of each client, and their entries.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::edit::{Edit, FileEdit, Hook, SERVER, Shape};
use super::programs;
use crate::dirs;
use crate::identity::Kind;

/// The first version of Claude Code with a hook for a whole batch of tools, as far as is known.
const CLAUDE_BATCH: [u64; 3] = [2, 1, 240];

/// A client that `orochi init` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Claude Code.
    ClaudeCode,
    /// Codex CLI.
    Codex,
    /// Cursor.
    Cursor,
    /// Gemini CLI.
    Gemini,
    /// opencode.
    Opencode,
}

/// All clients, in the order of lists.
pub const ALL: [Client; 5] = [Client::ClaudeCode, Client::Codex, Client::Cursor, Client::Gemini, Client::Opencode];

/// The owner of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The user's, for all projects.
    User,
    /// The project's.
    Project,
}

/// The settings of a set-up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// This program's path.
    pub program: String,
    /// The owner of the files.
    pub scope: Scope,
    /// The project's root.
    pub root: PathBuf,
    /// Channels to join.
    pub channels: Vec<String>,
    /// True if hooks are written.
    pub has_hooks: bool,
    /// True if mentions may start turns.
    pub may_wake: bool,
}

impl Setup {
    /// The hooks' command line, the same for every client. A path with spaces is quoted for a shell.
    pub fn hook_command(&self) -> String {
        format!("{} hook", programs::quoted(&self.program))
    }

    /// The arguments of the resident.
    pub fn server_args(&self) -> Vec<String> {
        let mut args = vec!["mcp".to_owned()];
        if !self.channels.is_empty() {
            args.extend(["--channels".to_owned(), self.channels.join(",")]);
        }
        if !self.may_wake {
            args.push("--no-wake".to_owned());
        }
        args
    }

    fn folder(&self, of_user: Option<PathBuf>, name: &str) -> PathBuf {
        match self.scope {
            Scope::User => of_user.or_else(|| dirs::home().map(|home| home.join(name))).unwrap_or_default(),
            Scope::Project => self.root.join(name),
        }
    }
}

impl Client {
    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Client::ClaudeCode => "claude-code",
            Client::Codex => "codex",
            Client::Cursor => "cursor",
            Client::Gemini => "gemini",
            Client::Opencode => "opencode",
        }
    }

    /// The client's kind.
    pub fn kind(self) -> Kind {
        match self {
            Client::ClaudeCode => Kind::Claude,
            Client::Codex => Kind::Codex,
            Client::Cursor => Kind::Cursor,
            Client::Gemini => Kind::Gemini,
            Client::Opencode => Kind::Opencode,
        }
    }

    /// True if the client seems to be installed: its program or its folder exists.
    pub fn is_found(self) -> bool {
        let (program, folder) = match self {
            Client::ClaudeCode => ("claude", ".claude"),
            Client::Codex => ("codex", ".codex"),
            Client::Cursor => ("cursor-agent", ".cursor"),
            Client::Gemini => ("gemini", ".gemini"),
            Client::Opencode => ("opencode", ".config/opencode"),
        };
        programs::find(program).is_some() || dirs::home().is_some_and(|home| home.join(folder).is_dir())
    }

    /// The files, each with its entries.
    pub fn files(self, setup: &Setup) -> Vec<FileEdit> {
        let hooks = self.hooks(setup);
        let mut files = match self {
            Client::ClaudeCode => claude(setup, hooks),
            Client::Codex => codex(setup, hooks),
            Client::Cursor => cursor(setup, hooks),
            Client::Gemini => gemini(setup, hooks),
            Client::Opencode => opencode(setup),
        };
        files.retain(|file| !file.edits.is_empty());
        files
    }

    /// The client's own command that adds our server, if it has one that is to be used.
    pub fn add_command(self, setup: &Setup) -> Option<Vec<String>> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match (self, setup.scope) {
            (Client::ClaudeCode, Scope::User) => {
                let entry = json!({"type": "stdio", "command": setup.program, "args": setup.server_args()});
                Some(words(&["claude", "mcp", "add-json", "--scope", "user", SERVER, &entry.to_string()]))
            }
            (Client::Codex, Scope::User) if programs::find("codex").is_some() => {
                let mut command = words(&["codex", "mcp", "add", SERVER, "--", &setup.program]);
                command.extend(setup.server_args());
                Some(command)
            }
            _ => None,
        }
    }

    /// The opposite of [`Client::add_command`].
    pub fn remove_command(self, setup: &Setup) -> Option<Vec<String>> {
        let words: &[&str] = match (self, setup.scope) {
            (Client::ClaudeCode, Scope::User) => &["claude", "mcp", "remove", "--scope", "user", SERVER],
            (Client::Codex, Scope::User) if programs::find("codex").is_some() => &["codex", "mcp", "remove", SERVER],
            _ => return None,
        };
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// The last step, which a person has to do.
    pub fn last_step(self, setup: &Setup) -> &'static str {
        match self {
            Client::Codex if setup.has_hooks => "Now open codex, type /hooks, and trust orochi's seven.",
            Client::Opencode => {
                "Now start opencode: it has the tools. It has no hooks, so messages wait until it asks."
            }
            Client::ClaudeCode => "Now start claude in this folder.",
            Client::Codex => "Now start codex in this folder.",
            Client::Cursor => {
                "Now start cursor in this folder. Nothing wakes an idle session; messages come while it works."
            }
            Client::Gemini => {
                "Now start gemini in this folder. Nothing wakes an idle session; messages come while it works."
            }
        }
    }

    fn hooks(self, setup: &Setup) -> Option<Edit> {
        let hook = |event, timeout_s| Hook { event, matcher: None, timeout_s };
        let (shape, hooks) = match self {
            Client::ClaudeCode => {
                let mut hooks: Vec<Hook> = ["SessionStart", "UserPromptSubmit", "PostToolBatch"]
                    .into_iter()
                    .map(|event| hook(event, 5))
                    .collect();
                if programs::version("claude").is_some_and(|version| version < CLAUDE_BATCH) {
                    hooks.extend(["PostToolUse", "PostToolUseFailure"].map(|event| hook(event, 5)));
                }
                hooks.extend(["Stop", "StopFailure"].map(|event| hook(event, 5)));
                let matcher = Some("permission_prompt|elicitation_dialog|idle_prompt");
                hooks.push(Hook { event: "Notification", matcher, timeout_s: 5 });
                hooks.push(hook("SessionEnd", 1));
                (Shape::Group, hooks)
            }
            Client::Codex => {
                let events = ["SessionStart", "UserPromptSubmit", "PostToolUse", "PermissionRequest", "Stop"];
                let mut hooks: Vec<Hook> = events.into_iter().map(|event| hook(event, 5)).collect();
                // Codex allows the last two 3 s at most.
                hooks.extend(["Interrupt", "SessionEnd"].map(|event| hook(event, 2)));
                (Shape::Group, hooks)
            }
            Client::Cursor => {
                let events =
                    ["sessionStart", "beforeSubmitPrompt", "postToolUse", "postToolUseFailure", "stop", "sessionEnd"];
                (Shape::Plain, events.into_iter().map(|event| hook(event, 5)).collect())
            }
            Client::Gemini => {
                let mut hooks: Vec<Hook> = ["SessionStart", "BeforeAgent"].map(|event| hook(event, 2)).into();
                hooks.push(Hook { event: "AfterTool", matcher: Some(".*"), timeout_s: 2 });
                hooks.extend(["AfterAgent", "Notification", "SessionEnd"].map(|event| hook(event, 2)));
                (Shape::NamedGroup, hooks)
            }
            Client::Opencode => return None,
        };
        setup.has_hooks.then(|| Edit::Hooks { shape, hooks, command: setup.hook_command() })
    }
}

fn claude(setup: &Setup, hooks: Option<Edit>) -> Vec<FileEdit> {
    let own = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|own| !own.is_empty()).map(PathBuf::from);
    let mut files =
        vec![FileEdit { path: setup.folder(own, ".claude").join("settings.json"), edits: hooks.into_iter().collect() }];
    if setup.scope == Scope::Project {
        let entry = json!({"type": "stdio", "command": setup.program, "args": setup.server_args()});
        let edits = vec![Edit::Server { under: &["mcpServers"], entry }];
        files.push(FileEdit { path: setup.root.join(".mcp.json"), edits });
    }
    files
}

fn codex(setup: &Setup, hooks: Option<Edit>) -> Vec<FileEdit> {
    let own = std::env::var_os("CODEX_HOME").filter(|own| !own.is_empty()).map(PathBuf::from);
    let folder = setup.folder(own, ".codex");
    let mut files = vec![FileEdit { path: folder.join("hooks.json"), edits: hooks.into_iter().collect() }];
    if Client::Codex.add_command(setup).is_none() {
        let edits = vec![Edit::Codex { program: setup.program.clone(), args: setup.server_args() }];
        files.push(FileEdit { path: folder.join("config.toml"), edits });
    }
    files
}

fn cursor(setup: &Setup, hooks: Option<Edit>) -> Vec<FileEdit> {
    let folder = setup.folder(None, ".cursor");
    let entry = json!({"command": setup.program, "args": setup.server_args()});
    let server = Edit::Server { under: &["mcpServers"], entry };
    let version = Edit::Default { key: "version", value: json!(1) };
    vec![
        FileEdit { path: folder.join("mcp.json"), edits: vec![server] },
        FileEdit {
            path: folder.join("hooks.json"),
            edits: hooks.into_iter().flat_map(|hooks| [version.clone(), hooks]).collect(),
        },
    ]
}

fn gemini(setup: &Setup, hooks: Option<Edit>) -> Vec<FileEdit> {
    let entry = json!({"command": setup.program, "args": setup.server_args(), "timeout": 60_000});
    let server = Edit::Server { under: &["mcpServers"], entry };
    let edits = [server].into_iter().chain(hooks).collect();
    vec![FileEdit { path: setup.folder(None, ".gemini").join("settings.json"), edits }]
}

fn opencode(setup: &Setup) -> Vec<FileEdit> {
    let command: Vec<String> = [setup.program.clone()].into_iter().chain(setup.server_args()).collect();
    let is_second = programs::version("opencode").is_some_and(|version| version[0] >= 2);
    let (under, entry): (&[&str], Value) = if is_second {
        (&["mcp", "servers"], json!({"type": "local", "command": command}))
    } else {
        (&["mcp"], json!({"type": "local", "command": command, "enabled": true}))
    };
    let folder = match setup.scope {
        Scope::User => {
            dirs::config().and_then(|own| own.parent().map(Path::to_owned)).unwrap_or_default().join("opencode")
        }
        Scope::Project => setup.root.clone(),
    };
    vec![FileEdit { path: folder.join("opencode.json"), edits: vec![Edit::Server { under, entry }] }]
}
