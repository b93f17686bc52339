//! Writes a hook's output in its client's dialect. Some clients reject unknown keys, so each object has exactly the
//! keys of its client.

use serde_json::{Value, json};

use super::input::Input;
use crate::delivery::HookKind;
use crate::identity::Kind;

/// Returns the object to print; None if there is none.
pub fn output(input: &Input, context: Option<&str>) -> Option<Value> {
    if input.client == Kind::Cursor && input.kind == HookKind::Prompt {
        return Some(json!({"continue": true}));
    }
    let context = context?;
    let specific = || json!({"hookSpecificOutput": {"hookEventName": input.event, "additionalContext": context}});
    match (input.client, input.kind) {
        (_, HookKind::Failure | HookKind::Interrupt | HookKind::Blocked | HookKind::Waiting | HookKind::End) => None,
        (Kind::Cursor, HookKind::Stop { .. }) => Some(json!({"followup_message": context})),
        (Kind::Cursor, HookKind::Start { .. } | HookKind::Prompt | HookKind::Tool) => {
            Some(json!({"additional_context": context}))
        }
        (Kind::Codex, HookKind::Stop { .. }) => Some(json!({"decision": "block", "reason": context})),
        (Kind::Gemini, HookKind::Stop { .. }) => Some(json!({"decision": "deny", "reason": context})),
        (Kind::Claude | Kind::Opencode | Kind::Agent, HookKind::Stop { .. })
        | (
            Kind::Claude | Kind::Codex | Kind::Gemini | Kind::Opencode | Kind::Agent,
            HookKind::Start { .. } | HookKind::Prompt | HookKind::Tool,
        ) => Some(specific()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::read;

    #[test]
    fn hook_output_has_exactly_its_clients_keys() {
        let specific =
            |event: &str| format!(r#"{{"hookSpecificOutput":{{"hookEventName":"{event}","additionalContext":"x"}}}}"#);
        for (more, event, expected) in [
            (r#""prompt_id":"p""#, "UserPromptSubmit", specific("UserPromptSubmit")),
            (r#""prompt_id":"p""#, "PostToolBatch", specific("PostToolBatch")),
            (r#""prompt_id":"p""#, "Stop", specific("Stop")),
            (r#""turn_id":"t""#, "PostToolUse", specific("PostToolUse")),
            (r#""turn_id":"t""#, "Stop", r#"{"decision":"block","reason":"x"}"#.to_owned()),
            (r#""timestamp":"t""#, "AfterTool", specific("AfterTool")),
            (r#""timestamp":"t""#, "AfterAgent", r#"{"decision":"deny","reason":"x"}"#.to_owned()),
            (r#""cursor_version":"2""#, "postToolUse", r#"{"additional_context":"x"}"#.to_owned()),
            (r#""cursor_version":"2""#, "beforeSubmitPrompt", r#"{"continue":true}"#.to_owned()),
            (r#""cursor_version":"2""#, "stop", r#"{"followup_message":"x"}"#.to_owned()),
        ] {
            let json = format!(r#"{{"hook_event_name":"{event}",{more}}}"#);
            let input = read(json.as_bytes(), None).unwrap();
            assert_eq!(output(&input, Some("x")).unwrap().to_string(), expected, "{json}");
        }
    }

    #[test]
    fn hook_of_a_permission_prompt_prints_no_decision() {
        let input = read(br#"{"hook_event_name":"PermissionRequest","turn_id":"t"}"#, None).unwrap();
        assert_eq!(output(&input, Some("x")), None);
    }
}
