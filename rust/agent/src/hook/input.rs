//! Reads a hook's input: the client and the event.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::delivery::HookKind;
use crate::identity::Kind;

/// The mark before a message's number in every text of ours.
const MARK: &[u8] = b"orochi#";
/// Marks that are passed on; our texts have at most as many as an inbox lists.
const MARKS_MAX: usize = 64;
/// A result of our tools has at most 20 000 characters; anything over this size is no such result.
const RESULT_BYTES_MAX: usize = 256 * 1024;

/// A hook's input, independent of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The client, which decides the output's dialect.
    pub client: Kind,
    /// The client's word for the event; the output repeats it.
    pub event: String,
    /// The moment of the session.
    pub kind: HookKind,
    /// The client's id of its session.
    pub session: String,
    /// The folder that the session works in; may be empty.
    pub folder: String,
    /// The client's model, if the input has it.
    pub model: String,
    /// The prompt, if the event is one.
    pub prompt: String,
    /// Messages whose marks are in the prompt or in a result of our tools.
    pub marks: Vec<u64>,
    /// True if a subagent ran the hook.
    pub is_subagent: bool,
}

impl Input {
    /// The folder that the session works in.
    pub fn folder(&self) -> &Path {
        Path::new(if self.folder.is_empty() { "." } else { &self.folder })
    }

    /// True if the client shows its model the text that this hook prints.
    pub fn can_show(&self) -> bool {
        match (self.client, self.kind) {
            // Cursor's prompt hook can't add text, and its start hook does not run when a session is resumed.
            (Kind::Cursor, HookKind::Prompt | HookKind::Start { .. }) => false,
            (_, kind) => kind.shows(),
        }
    }
}

/// The needed fields of all clients. Everything else, such as 16 MB of a tool's output, is skipped.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(default)]
    hook_event_name: String,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    conversation_id: Option<String>,
    #[serde(default)]
    cwd: Option<String>,
    #[serde(default)]
    workspace_roots: Option<Vec<String>>,
    #[serde(borrow, default)]
    cursor_version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    turn_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    prompt_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    agent_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    stop_hook_active: Option<bool>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    loop_count: Option<u64>,
    #[serde(default)]
    notification_type: Option<String>,
    #[serde(default)]
    tool_name: Option<String>,
    #[serde(borrow, default)]
    tool_response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
}

/// A tool's call and its result.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(default)]
    tool_name: Option<String>,
    #[serde(borrow, default)]
    tool_response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_output: Option<&'a RawValue>,
}

/// Reads a hook's input. None if it is no hook's, or if its event has no meaning here. `client` overrides the
/// recognised client.
pub fn read(bytes: &[u8], client: Option<Kind>) -> Option<Input> {
    let raw: Raw<'_> = serde_json::from_slice(bytes).ok()?;
    let client = client.unwrap_or_else(|| recognise(&raw));
    let kind = kind(&raw)?;
    let mut marks = Vec::new();
    match kind {
        HookKind::Prompt => push_marks(raw.prompt.as_deref().unwrap_or_default().as_bytes(), &mut marks),
        HookKind::Tool => result_marks(&raw, &mut marks),
        _ => {}
    }
    let model = raw.model.and_then(|model| serde_json::from_str(model.get()).ok()).unwrap_or_default();
    let folder = raw.cwd.or_else(|| raw.workspace_roots.and_then(|roots| roots.into_iter().next())).unwrap_or_default();
    Some(Input {
        client,
        kind,
        event: raw.hook_event_name,
        session: raw.session_id.or(raw.conversation_id).unwrap_or_default(),
        folder,
        model,
        prompt: raw.prompt.unwrap_or_default(),
        marks,
        is_subagent: raw.agent_id.is_some() && client == Kind::Claude,
    })
}

fn recognise(raw: &Raw<'_>) -> Kind {
    const CODEX: [&str; 7] =
        ["SessionStart", "UserPromptSubmit", "PostToolUse", "PermissionRequest", "Stop", "Interrupt", "SessionEnd"];
    const GEMINI: [&str; 6] = ["SessionStart", "BeforeAgent", "AfterTool", "AfterAgent", "SessionEnd", "Notification"];
    let event = raw.hook_event_name.as_str();
    if raw.cursor_version.is_some() {
        Kind::Cursor
    } else if raw.turn_id.is_some() {
        Kind::Codex
    } else if raw.timestamp.is_some() && GEMINI.contains(&event) {
        Kind::Gemini
    } else if CODEX.contains(&event) && raw.prompt_id.is_none() && raw.model.is_some() {
        Kind::Codex
    } else {
        Kind::Claude
    }
}

fn kind(raw: &Raw<'_>) -> Option<HookKind> {
    let source = raw.source.as_deref();
    Some(match raw.hook_event_name.as_str() {
        "SessionStart" | "sessionStart" => {
            HookKind::Start { is_cleared: source == Some("clear"), is_compaction: source == Some("compact") }
        }
        "UserPromptSubmit" | "beforeSubmitPrompt" | "BeforeAgent" => HookKind::Prompt,
        "PostToolBatch" | "PostToolUse" | "PostToolUseFailure" | "postToolUse" | "postToolUseFailure" | "AfterTool" => {
            HookKind::Tool
        }
        "Stop" | "AfterAgent" => HookKind::Stop { can_continue: raw.stop_hook_active == Some(false) },
        "stop" => HookKind::Stop {
            can_continue: raw.status.as_deref() == Some("completed") && raw.loop_count.unwrap_or(0) == 0,
        },
        "StopFailure" => HookKind::Failure,
        "Interrupt" => HookKind::Interrupt,
        "PermissionRequest" => HookKind::Blocked,
        "Notification" => match raw.notification_type.as_deref() {
            Some("permission_prompt" | "elicitation_dialog" | "ToolPermission") => HookKind::Blocked,
            Some("idle_prompt") => HookKind::Waiting,
            _ => return None,
        },
        "SessionEnd" | "sessionEnd" => HookKind::End,
        _ => return None,
    })
}

fn result_marks(raw: &Raw<'_>, marks: &mut Vec<u64>) {
    let batch: Vec<Call<'_>> =
        raw.tool_calls.and_then(|calls| serde_json::from_str(calls.get()).ok()).unwrap_or_default();
    let own = Call { tool_name: raw.tool_name.clone(), tool_response: raw.tool_response, tool_output: raw.tool_output };
    for call in batch.iter().chain([&own]) {
        // Claude, Codex and Gemini put the server's name before the tool's; Cursor writes `MCP:send`.
        let is_ours = call.tool_name.as_deref().is_some_and(|name| name.contains("orochi") || name.starts_with("MCP:"));
        for result in [call.tool_response, call.tool_output].into_iter().flatten().filter(|_| is_ours) {
            if result.get().len() <= RESULT_BYTES_MAX {
                push_marks(result.get().as_bytes(), marks);
            }
        }
    }
}

/// Adds the numbers after our marks in a text, plain or as JSON. Only marks at the beginning of a line count: the words
/// of another agent never begin a line.
fn push_marks(text: &[u8], marks: &mut Vec<u64>) {
    let mut at = 0;
    while let Some(found) = text[at..].windows(MARK.len()).position(|window| window == MARK) {
        let begins = begins_line(&text[..at + found]);
        at += found + MARK.len();
        let digits: String =
            text[at..].iter().take(19).take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
        if let Ok(seq) = digits.parse()
            && begins
            && marks.len() < MARKS_MAX
            && !marks.contains(&seq)
        {
            marks.push(seq);
        }
    }
}

fn begins_line(before: &[u8]) -> bool {
    let escaped = |text: &[u8]| text.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1;
    match before {
        [] | [.., b'\n'] => true,
        [text @ .., b'n'] => escaped(text),
        [text @ .., b'"'] => !escaped(text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(json: &str) -> Input {
        read(json.as_bytes(), None).unwrap_or_else(|| panic!("{json}"))
    }

    #[test]
    fn hook_tells_the_client_from_the_input() {
        for (json, client) in [
            (r#"{"hook_event_name":"Stop","session_id":"s","prompt_id":"p","stop_hook_active":false}"#, Kind::Claude),
            (
                r#"{"hook_event_name":"SessionStart","session_id":"s","prompt_id":"p","model":"opus","source":"startup"}"#,
                Kind::Claude,
            ),
            (r#"{"hook_event_name":"PostToolBatch","session_id":"s","model":"x","tool_calls":[]}"#, Kind::Claude),
            (r#"{"hook_event_name":"PostToolUse","session_id":"s","turn_id":"t","model":"gpt"}"#, Kind::Codex),
            (r#"{"hook_event_name":"SessionStart","session_id":"s","model":"gpt","source":"startup"}"#, Kind::Codex),
            (
                r#"{"hook_event_name":"stop","conversation_id":"s","cursor_version":"2","status":"completed"}"#,
                Kind::Cursor,
            ),
            (r#"{"hook_event_name":"BeforeAgent","session_id":"s","timestamp":"2026","prompt":"x"}"#, Kind::Gemini),
        ] {
            assert_eq!(input(json).client, client, "{json}");
        }
    }

    #[test]
    fn hook_reads_marks_from_prompts_and_from_results_of_our_tools_only() {
        assert_eq!(
            input(r#"{"hook_event_name":"UserPromptSubmit","prompt":"orochi#5 a\norochi#67 b orochi#8\norochi#x"}"#)
                .marks,
            [5, 67]
        );
        let batch = |tool: &str| {
            format!(
                r#"{{"hook_event_name":"PostToolBatch","tool_calls":[{{"tool_name":"{tool}","tool_input":{{}},"tool_response":[{{"text":"orochi#9 a\norochi#10 b\n  | orochi#11 \\norochi#12 \"orochi#13"}}]}}]}}"#
            )
        };
        assert_eq!(input(&batch("mcp__orochi__wait")).marks, [9, 10]);
        assert!(input(&batch("Bash")).marks.is_empty());
        let one = r#"{"hook_event_name":"PostToolUse","turn_id":"t","tool_name":"mcp__orochi__wait","tool_response":"orochi#4 a"}"#;
        assert_eq!((input(one).client, input(one).marks), (Kind::Codex, vec![4]));
    }

    #[test]
    fn hook_input_of_any_other_shape_is_passed_over() {
        for text in ["", "{", "[]", "7", r#"{"hook_event_name":7}"#, r#"{"hook_event_name":"Unheard"}"#, "\u{0}"] {
            assert_eq!(read(text.as_bytes(), None), None, "{text:?}");
        }
    }

    #[test]
    fn hook_at_the_end_of_a_turn_continues_at_most_once() {
        let stop = |more: &str| input(&format!(r#"{{"hook_event_name":"Stop","session_id":"s"{more}}}"#)).kind;
        assert_eq!(stop(r#","stop_hook_active":false"#), HookKind::Stop { can_continue: true });
        assert_eq!(stop(r#","stop_hook_active":true"#), HookKind::Stop { can_continue: false });
        assert_eq!(stop(""), HookKind::Stop { can_continue: false });
        let cursor = |more: &str| input(&format!(r#"{{"hook_event_name":"stop","cursor_version":"2"{more}}}"#)).kind;
        assert_eq!(cursor(r#","status":"completed","loop_count":0"#), HookKind::Stop { can_continue: true });
        assert_eq!(cursor(r#","status":"aborted","loop_count":0"#), HookKind::Stop { can_continue: false });
        assert_eq!(cursor(r#","status":"completed","loop_count":1"#), HookKind::Stop { can_continue: false });
    }
}
