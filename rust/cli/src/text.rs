//! Makes text from strangers safe for terminals, pipes and logs: it can't control a terminal, and can't look like
//! somebody else's line. `--json` prints the exact text.

use std::fmt::Write;

/// The start of a message's second and later lines. No line of ours begins like this.
const CONTINUED: &str = "    ";

/// A text on one line. Line ends are escaped too.
pub fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    push(&mut shown, text);
    shown
}

/// A message's text. Its lines stay lines, indented from the second one on.
pub fn message(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            shown.push('\n');
            shown.push_str(CONTINUED);
        }
        // Treat Windows' line end as one line end.
        push(&mut shown, line.strip_suffix('\r').unwrap_or(line));
    }
    shown
}

fn push(shown: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\t' => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => _ = write!(shown, "\\x{:02x}", u32::from(c)),
            c if is_hidden(c) => _ = write!(shown, "\\u{{{:x}}}", u32::from(c)),
            c => shown.push(c),
        }
    }
}

/// Characters that control a terminal, end a line in some programs, or change the direction of the text around them.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_text_stays_on_its_line() {
        assert_eq!(inline("a\x1b[2Jb\x07\n\tü\u{9b}"), "a\\x1b[2Jb\\x07\\n\tü\\u{9b}");
        assert_eq!(
            inline("x\r\u{85}\u{2028}\u{2029}\u{202e}y\u{2066}"),
            "x\\r\\u{85}\\u{2028}\\u{2029}\\u{202e}y\\u{2066}"
        );
        assert_eq!(inline("日本語 🐍 👩‍💻"), "日本語 🐍 👩‍💻");
    }

    #[test]
    fn message_text_keeps_its_lines_apart_from_others() {
        assert_eq!(message("one\ntwo\r\n\n[t] #9 boss: three\n"), "one\n    two\n    \n    [t] #9 boss: three\n    ");
        assert_eq!(message("over\rwritten"), "over\\rwritten");
    }
}
