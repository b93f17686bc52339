//! Adds our entries to a client's file without changing anybody else's, and removes them. Our hooks are recognised by
//! their command.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Serializer, Value, json};
use toml_edit::{Array, DocumentMut, Item, Table, value};

/// The name of our server in every client's file.
pub const SERVER: &str = "orochi";

/// The form of a hook's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `{"matcher"?, "hooks": [{"type", "command", "timeout"}]}`: Claude Code and Codex.
    Group,
    /// As `Group`, with a name, and the timeout in milliseconds: Gemini CLI.
    NamedGroup,
    /// `{"command", "timeout"}`: Cursor.
    Plain,
}

/// One event's hook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The client's word for the event.
    pub event: &'static str,
    /// The kinds of the event; None for all.
    pub matcher: Option<&'static str>,
    /// In seconds.
    pub timeout_s: u64,
}

/// One entry of ours in a file.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Hooks under `hooks`.
    Hooks {
        /// The client's form.
        shape: Shape,
        /// The events.
        hooks: Vec<Hook>,
        /// The command line, the same everywhere.
        command: String,
    },
    /// A server under these keys, then [`SERVER`].
    Server {
        /// The keys of the servers' object.
        under: &'static [&'static str],
        /// The entry.
        entry: Value,
    },
    /// A top-level key that the file must have.
    Default {
        /// The key.
        key: &'static str,
        /// Its value if it is missing.
        value: Value,
    },
    /// `[mcp_servers.orochi]` in Codex's config.toml.
    Codex {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

/// A file and our entries in it.
#[derive(Debug, Clone)]
pub struct FileEdit {
    /// The file.
    pub path: PathBuf,
    /// Our entries.
    pub edits: Vec<Edit>,
}

impl FileEdit {
    /// Returns the file's text with our entries; None if they are there.
    ///
    /// # Errors
    /// Fails with a sentence, and the entries to paste, if the file's format is unexpected.
    pub fn added(&self, text: Option<&str>) -> Result<Option<String>, String> {
        if self.is_toml() {
            return self.toml(text.unwrap_or_default(), Edit::add_toml).map(|new| (Some(&*new) != text).then_some(new));
        }
        let before = self.json(text)?;
        let mut after = before.clone();
        for edit in &self.edits {
            edit.remove(&mut after);
            edit.add(&mut after).map_err(|reason| self.refusal(&reason))?;
        }
        Ok((after != before || text.is_none()).then(|| written(&after, text)))
    }

    /// Returns the file's text without our entries; None if it has none.
    ///
    /// # Errors
    /// As [`FileEdit::added`].
    pub fn removed(&self, text: &str) -> Result<Option<String>, String> {
        if self.is_toml() {
            return self.toml(text, |_, document| remove_toml(document)).map(|new| (new != text).then_some(new));
        }
        let before = self.json(Some(text))?;
        let mut after = before.clone();
        for edit in &self.edits {
            edit.remove(&mut after);
        }
        Ok((after != before).then(|| written(&after, Some(text))))
    }

    /// The entries to paste by hand.
    pub fn snippet(&self) -> String {
        match self.added_to_nothing() {
            Ok(text) => text,
            Err(reason) => reason,
        }
    }

    fn added_to_nothing(&self) -> Result<String, String> {
        if self.is_toml() {
            return self.toml("", Edit::add_toml);
        }
        let mut root = Value::Object(Map::new());
        for edit in &self.edits {
            edit.add(&mut root)?;
        }
        Ok(written(&root, None))
    }

    fn is_toml(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "toml")
    }

    fn json(&self, text: Option<&str>) -> Result<Value, String> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(Value::Object(Map::new())) };
        let root: Value = serde_json::from_str(text)
            .map_err(|error| self.refusal(&format!("it is not plain JSON (comments are none): {error}")))?;
        if root.is_object() { Ok(root) } else { Err(self.refusal("it is no JSON object")) }
    }

    fn toml(&self, text: &str, change: impl Fn(&Edit, &mut DocumentMut)) -> Result<String, String> {
        let parsed: Result<DocumentMut, toml_edit::TomlError> = text.parse();
        let mut document = match parsed {
            Ok(document) => document,
            Err(error) if text.is_empty() => return Err(error.message().to_owned()),
            Err(error) => return Err(self.refusal(&format!("it is no TOML: {}", error.message()))),
        };
        for edit in &self.edits {
            change(edit, &mut document);
        }
        Ok(document.to_string())
    }

    fn refusal(&self, reason: &str) -> String {
        format!(
            "{} is left as it is: {reason}. Add this by hand:\n{}",
            self.path.display(),
            self.added_to_nothing().unwrap_or_default()
        )
    }
}

impl Edit {
    fn add(&self, root: &mut Value) -> Result<(), String> {
        match self {
            Edit::Hooks { shape, hooks, command } => {
                let events = object(root, &["hooks"])?;
                for hook in hooks {
                    let list = events.entry(hook.event).or_insert_with(|| json!([]));
                    let list = list.as_array_mut().ok_or_else(|| format!("hooks.{} is no list", hook.event))?;
                    // At the end: a client that trusts hooks by their position keeps trusting the others.
                    list.push(shape.entry(hook, command));
                }
            }
            Edit::Server { under, entry } => _ = object(root, under)?.insert(SERVER.to_owned(), entry.clone()),
            Edit::Default { key, value } => {
                _ = object(root, &[])?.entry(*key).or_insert_with(|| value.clone());
            }
            Edit::Codex { .. } => {}
        }
        Ok(())
    }

    /// Removes our entries, and objects that are empty then.
    fn remove(&self, root: &mut Value) {
        match self {
            Edit::Hooks { .. } => {
                let Some(events) = root.get_mut("hooks").and_then(Value::as_object_mut) else { return };
                let mut had_ours = false;
                events.retain(|_, list| {
                    let Some(list) = list.as_array_mut() else { return true };
                    let before = list.len();
                    list.retain_mut(|entry| !take_own(entry));
                    had_ours |= list.len() != before;
                    !list.is_empty() || before == 0
                });
                if events.is_empty() && had_ours {
                    root.as_object_mut().map(|root| root.shift_remove("hooks"));
                }
            }
            Edit::Server { under, .. } => remove_server(root, under),
            Edit::Default { .. } | Edit::Codex { .. } => {}
        }
    }

    fn add_toml(&self, document: &mut DocumentMut) {
        let Edit::Codex { program, args } = self else { return };
        let servers = document.entry("mcp_servers").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let mut entry = Table::new();
        entry["command"] = value(program);
        entry["args"] = value(args.iter().collect::<Array>());
        entry["env_vars"] = value(["OROCHI_URL", "OROCHI_TOKEN", "OROCHI_AGENT"].into_iter().collect::<Array>());
        entry["startup_timeout_sec"] = value(10);
        entry["tool_timeout_sec"] = value(60);
        if let Some(servers) = servers.as_table_like_mut() {
            servers.insert(SERVER, Item::Table(entry));
        }
    }
}

impl Shape {
    fn entry(self, hook: &Hook, command: &str) -> Value {
        let mut entry = match self {
            Shape::Plain => return json!({"command": command, "timeout": hook.timeout_s}),
            Shape::Group => {
                json!({"hooks": [{"type": "command", "command": command, "timeout": hook.timeout_s}]})
            }
            Shape::NamedGroup => {
                let timeout = hook.timeout_s * 1000;
                json!({"hooks": [{"type": "command", "name": SERVER, "command": command, "timeout": timeout}]})
            }
        };
        if let (Some(matcher), Some(entry)) = (hook.matcher, entry.as_object_mut()) {
            entry.shift_insert(0, "matcher".to_owned(), matcher.into());
        }
        entry
    }
}

/// Removes our hooks from an entry. Returns true if nothing else is left.
fn take_own(entry: &mut Value) -> bool {
    if entry.get("command").and_then(Value::as_str).is_some_and(is_own) {
        return true;
    }
    let Some(hooks) = entry.get_mut("hooks").and_then(Value::as_array_mut) else { return false };
    let before = hooks.len();
    hooks.retain(|hook| !hook.get("command").and_then(Value::as_str).is_some_and(is_own));
    hooks.is_empty() && before > 0
}

/// True if a command line is our hook's, whatever the program's path is.
pub fn is_own(command: &str) -> bool {
    let Some(program) = command.trim().strip_suffix(" hook") else { return false };
    let program = program.trim().trim_matches(['\'', '"']);
    Path::new(program).file_name().is_some_and(|name| name == "orochi")
}

fn remove_server(root: &mut Value, under: &[&str]) {
    let Some(servers) = under.iter().try_fold(&mut *root, |at, key| at.get_mut(*key)) else { return };
    let Some(servers) = servers.as_object_mut() else { return };
    let had = servers.shift_remove(SERVER).is_some();
    let is_empty = servers.is_empty();
    if let (true, true, [above @ .., last]) = (had, is_empty, under)
        && let Some(above) = above.iter().try_fold(root, |at, key| at.get_mut(*key))
    {
        above.as_object_mut().map(|above| above.shift_remove(*last));
    }
}

fn remove_toml(document: &mut DocumentMut) {
    if let Some(servers) = document.get_mut("mcp_servers").and_then(Item::as_table_like_mut) {
        servers.remove(SERVER);
        if servers.is_empty() {
            document.remove("mcp_servers");
        }
    }
}

/// Returns the object under these keys, created if missing.
fn object<'a>(root: &'a mut Value, under: &[&str]) -> Result<&'a mut Map<String, Value>, String> {
    let mut at = root;
    for key in under {
        let object = at.as_object_mut().ok_or_else(|| "it is no JSON object".to_owned())?;
        at = object.entry(*key).or_insert_with(|| json!({}));
        if !at.is_object() {
            return Err(format!("{key:?} in it is no object"));
        }
    }
    at.as_object_mut().ok_or_else(|| "it is no JSON object".to_owned())
}

/// Formats JSON with the indentation and the ending of the text that it replaces.
fn written(root: &Value, like: Option<&str>) -> String {
    let indent = like
        .and_then(|text| text.lines().find(|line| line.starts_with([' ', '\t'])))
        .map_or("  ", |line| &line[..line.len() - line.trim_start().len()]);
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(indent.as_bytes()));
    // This can't fail: a vector accepts all bytes, and a value's keys are text.
    let _ = root.serialize(&mut serializer);
    let mut text = String::from_utf8(bytes).unwrap_or_default();
    if like.is_none_or(|like| like.is_empty() || like.ends_with('\n')) {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooks() -> FileEdit {
        let hook = |event, matcher| Hook { event, matcher, timeout_s: 5 };
        let hooks = vec![hook("Stop", None), hook("Notification", Some("idle_prompt"))];
        let edits = vec![Edit::Hooks { shape: Shape::Group, hooks, command: "/opt/orochi hook".to_owned() }];
        FileEdit { path: PathBuf::from("settings.json"), edits }
    }

    #[test]
    fn init_adds_after_foreign_hooks_and_takes_only_its_own_out() {
        let foreign = "{\n    \"model\": \"opus\",\n    \"hooks\": {\n        \"Stop\": [\n            {\n                \
                       \"hooks\": [\n                    {\n                        \"type\": \"command\",\n                        \
                       \"command\": \"other hook\"\n                    }\n                ]\n            }\n        ]\n    }\n}";
        let added = hooks().added(Some(foreign)).unwrap().unwrap();
        let root: Value = serde_json::from_str(&added).unwrap();
        assert_eq!(root["hooks"]["Stop"][0]["hooks"][0]["command"], "other hook");
        assert_eq!(root["hooks"]["Stop"][1]["hooks"][0]["command"], "/opt/orochi hook");
        assert_eq!(root["hooks"]["Notification"][0]["matcher"], "idle_prompt");
        assert_eq!(hooks().added(Some(&added)).unwrap(), None, "a second time changes nothing");
        assert_eq!(hooks().removed(&added).unwrap().as_deref(), Some(foreign));
    }

    #[test]
    fn init_replaces_entries_of_a_program_that_moved() {
        let old = hooks().added(None).unwrap().unwrap().replace("/opt/orochi hook", "'/old place/orochi' hook");
        let new = hooks().added(Some(&old)).unwrap().unwrap();
        assert!(!new.contains("old place") && new.matches("/opt/orochi hook").count() == 2);
    }

    #[test]
    fn init_refuses_json_with_comments_and_shows_what_to_paste() {
        for text in ["{ // mine\n}", "[1]", "{\"hooks\": 7}", "{\"hooks\": {\"Stop\": {}}}", "{"] {
            let refused = hooks().added(Some(text)).unwrap_err();
            assert!(refused.contains("settings.json is left") && refused.contains("/opt/orochi hook"), "{refused}");
        }
    }

    #[test]
    fn init_keeps_codexs_comments_and_order() {
        let edit = FileEdit {
            path: PathBuf::from("config.toml"),
            edits: vec![Edit::Codex { program: "/opt/orochi".to_owned(), args: vec!["mcp".to_owned()] }],
        };
        let text = "# mine\nmodel = \"gpt\" # here\n\n[mcp_servers.docs]\ncommand = \"docs\"\n";
        let added = edit.added(Some(text)).unwrap().unwrap();
        assert!(added.starts_with(text) && added.contains("[mcp_servers.orochi]\ncommand = \"/opt/orochi\""));
        assert_eq!(edit.added(Some(&added)).unwrap(), None);
        assert_eq!(edit.removed(&added).unwrap().as_deref(), Some(text));
    }

    #[test]
    fn init_knows_its_hook_by_the_command() {
        for own in ["/a/orochi hook", "'/a b/orochi' hook", "orochi hook"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["orochi hook claude", "/a/myorochi hook", "orochi", "hook", "git hook"] {
            assert!(!is_own(other), "{other}");
        }
    }
}
