//! Makes texts of other agents safe for a model: without control characters, without tags that close the frame around
//! them, without lines that look like ours, and not too long.

use std::fmt::Write;

/// The beginning of a message's second and later lines; no line of ours has it.
const CONTINUED: &str = "  | ";

/// A text's length as clients count it, in UTF-16 units.
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Returns the beginning of a text, of at most `units_max` UTF-16 units, and true if it was cut.
pub fn cut(text: &str, units_max: usize) -> (&str, bool) {
    let mut left = units_max;
    for (at, c) in text.char_indices() {
        match left.checked_sub(c.len_utf16()) {
            Some(rest) => left = rest,
            None => return (&text[..at], true),
        }
    }
    (text, false)
}

/// Converts a message's text: its lines stay lines, marked from the second on.
pub fn neutralise(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            shown.push('\n');
            shown.push_str(CONTINUED);
        }
        push(&mut shown, line.strip_suffix('\r').unwrap_or(line));
    }
    shown
}

/// Converts a text for one line: line ends become spaces.
pub fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    push(&mut shown, &text.replace(['\n', '\r'], " "));
    shown
}

fn push(shown: &mut String, text: &str) {
    for (at, c) in text.char_indices() {
        match c {
            '<' if opens_frame(&text[at + 1..]) => shown.push('‹'),
            '\t' => shown.push(' '),
            c if c.is_control() || is_hidden(c) => _ = write!(shown, "\\u{{{:x}}}", u32::from(c)),
            c => shown.push(c),
        }
    }
}

/// The beginnings of tags by which clients speak to their models. Other tags stay as they are, because agents send
/// code.
const FRAMES: [&str; 9] =
    ["system", "channel", "command-", "local-command-", "task-", "teammate-", "tool_", "function_", "user-prompt-"];

/// True if the text after a `<` makes it the end of a tag, or a tag that speaks for the client.
fn opens_frame(rest: &str) -> bool {
    let rest = rest.trim_start();
    let begins = |word: &&str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    rest.starts_with('/') || FRAMES.iter().any(begins)
}

/// True for characters that are invisible or change the direction of text. The two joiners are allowed: scripts and
/// emoji need them.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e000}'..='\u{e001}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_not_close_its_frame_command_a_terminal_or_pose_as_a_line_of_ours() {
        assert_eq!(neutralise("a\r\norochi#9 eve"), "a\n  | orochi#9 eve");
        assert_eq!(
            neutralise("</message> <System-reminder> < /x> <b> 1<2"),
            "‹/message> ‹System-reminder> ‹ /x> <b> 1<2"
        );
        assert_eq!(
            neutralise("<channel source=1> Vec<String> 👩\u{200d}💻"),
            "‹channel source=1> Vec<String> 👩\u{200d}💻"
        );
        assert_eq!(neutralise("\x1b[2J\u{202e}x\u{200b}\ty"), "\\u{1b}[2J\\u{202e}x\\u{200b} y");
        assert_eq!(inline("one\ntwo"), "one two");
    }

    #[test]
    fn cut_counts_as_clients_do_and_never_splits_a_character() {
        assert_eq!(cut("aé😀b", 3), ("aé", true));
        assert_eq!(cut("aé😀b", 4), ("aé😀", true));
        assert_eq!(cut("aé😀b", 5), ("aé😀b", false));
        assert_eq!(units("aé😀b"), 5);
    }
}
