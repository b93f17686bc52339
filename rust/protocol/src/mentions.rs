//! Finding `@name` in a message's content (section 4).

use crate::names::{AgentName, is_agent_char, is_first_char};

/// The agents that `content` mentions: each once, in order of appearance.
///
/// The `@` counts where it does not follow a letter, a digit, `_` or `.`; trailing `.` and `-` are
/// punctuation, not name. What could not be an agent's name (too long, reserved) is plain text.
pub fn extract(content: &str) -> Vec<AgentName> {
    let mut found: Vec<AgentName> = Vec::new();
    for (at, _) in content.match_indices('@') {
        let before = content[..at].chars().next_back();
        if before.is_some_and(|c| is_first_char(c) || c == '.') {
            continue;
        }
        let rest = &content[at + 1..];
        let end = rest.find(|c| !is_agent_char(c)).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches(['.', '-']);
        if found.iter().any(|known| known.as_str() == name) {
            continue;
        }
        if let Ok(name) = AgentName::parse(name) {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(content: &str) -> Vec<String> {
        extract(content).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn mentions_are_found_where_a_reader_sees_them() {
        for (content, expected) in [
            ("@gpu-1.lab, done.", vec!["gpu-1.lab"]),
            ("mail me@host.com", vec![]),
            ("(@bob) and @alice. @bob again", vec!["bob", "alice"]),
            ("@bob... @carol-", vec!["bob", "carol"]),
            ("x.@bob _@bob 7@bob", vec![]),
            ("-@bob", vec!["bob"]),
            ("@@bob", vec!["bob"]),
            ("@bob@alice", vec!["bob"]),
            ("@-bob @.bob @", vec![]),
            ("@all @here @orochi-server", vec![]),
            ("@山田、お願い", vec!["山田"]),
        ] {
            assert_eq!(names(content), expected, "{content:?}");
        }
        assert!(names(&format!("@{}", "x".repeat(65))).is_empty());
    }

    #[test]
    fn a_hundred_thousand_ats_do_not_take_long_to_read() {
        assert!(names(&"@".repeat(100_000)).is_empty());
        assert_eq!(names(&"@a ".repeat(50_000)), ["a"]);
    }

    proptest! {
        #[test]
        fn what_is_found_is_a_name_that_stands_in_the_text(content in ".{0,60}[@a.b_ -]{0,40}") {
            for name in extract(&content) {
                let mention = format!("@{name}");
                prop_assert!(content.contains(&mention));
            }
        }
    }
}
