//! Makes people's text fit one line: no line ends, no control characters, a bounded length. Also finds its mentions.

use orochi_protocol::letters;
use orochi_protocol::mentions::{self, Mention};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// Bytes of a text that are searched for mentions. Longer texts are pasted logs.
const MENTION_BYTES_MAX: usize = 64 * 1024;

/// `text` as one line of at most `chars_max` characters, with `…` where it was cut. Blanks become one space. Invisible
/// characters and direction marks are removed.
pub(crate) fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = String::new();
    let mut count = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = true;
        } else if !is_invisible(c) {
            let needed = 1 + usize::from(gap && count > 0);
            if count + needed > chars_max {
                line.push('…');
                break;
            }
            if needed == 2 {
                line.push(' ');
            }
            line.push(c);
            count += needed;
            gap = false;
        }
    }
    line
}

/// Invisible characters, direction marks, and annotations of other text (Unicode, sections 23.2 and 23.8).
fn is_invisible(c: char) -> bool {
    letters::is_invisible(c) || matches!(c, '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}')
}

/// A text without its HTML comments, which Gitea does not show. An unclosed comment extends to the end.
pub(crate) fn shown(markdown: &str) -> String {
    let mut shown = String::new();
    let mut rest = markdown;
    while let Some((before, comment)) = rest.split_once("<!--") {
        shown.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    shown + rest
}

/// Returns an http or https address that is safe at a line's end: it has no character that would end it.
pub(crate) fn link(text: &str) -> Option<&str> {
    let is_web = text.starts_with("http://") || text.starts_with("https://");
    let is_whole =
        text.len() <= 2000 && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(c));
    (is_web && is_whole).then_some(text)
}

/// The first mentions in a Markdown text, at most `most`. Code is skipped: it contains decorators and addresses in
/// logs.
pub(crate) fn mentioned(markdown: &str, most: usize) -> Vec<Mention> {
    let end = markdown.floor_char_boundary(MENTION_BYTES_MAX);
    mentions::find(&without_code(&markdown[..end]), most)
}

/// The text as a reader sees it, with a backtick for each code block and code span.
fn without_code(markdown: &str) -> String {
    let mut prose = String::with_capacity(markdown.len());
    let mut is_code = false;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => {
                is_code = false;
                prose.push_str("`\n");
            }
            Event::Text(text) if !is_code => prose.push_str(&text),
            Event::Code(_) => prose.push('`'),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => prose.push('\n'),
            _ => {}
        }
    }
    prose
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(markdown: &str) -> Vec<String> {
        let found = mentioned(markdown, usize::MAX);
        mentions::resolve(&found, |_| None).into_iter().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn hostile_text_becomes_one_bounded_line() {
        for (text, line) in [
            ("It fails", "It fails"),
            ("  two\r\nlines\tand a tab ", "two lines and a tab"),
            ("a\u{0}\u{1b}[31mb\u{85}c\u{2028}d", "a [31mb c d"),
            ("\u{202e}evil\u{2066} \u{200b}x\u{feff}", "evil x"),
            ("a\u{3164}b\u{115f}c\u{ffa0}\u{34f}d\u{17b4}", "abcd"),
            ("", ""),
            ("\n\n", ""),
            ("exactly te", "exactly te"),
            ("more than twenty characters", "more than twenty cha…"),
            ("山田さん", "山田さん"),
        ] {
            assert_eq!(one_line(text, 20), line, "{text:?}");
        }
        assert_eq!(one_line(&"x".repeat(1_000_000), 3), "xxx…");
    }

    #[test]
    fn comments_are_not_shown() {
        for (text, seen) in
            [("a<!-- b -->c", "ac"), ("<!-- @a -->x<!--b-->", "x"), ("a <!-- b", "a "), ("a -->", "a -->")]
        {
            assert_eq!(shown(text), seen, "{text:?}");
        }
    }

    #[test]
    fn mentions_in_code_are_nobodys() {
        for (markdown, expected) in [
            ("@bob, look", vec!["bob"]),
            ("`@bob` and @alice", vec!["alice"]),
            ("``a ` @bob`` @alice", vec!["alice"]),
            ("an open ` @bob", vec!["bob"]),
            ("a ` b\n\n@bob ` c", vec!["bob"]),
            ("a `\n@bob\n` @alice", vec!["alice"]),
            ("```py\n@bob\n```\n@alice", vec!["alice"]),
            ("~~~\n@bob\n```\n@carol\n~~~~\n@alice", vec!["alice"]),
            ("```\r\n@bob\r\n```\r\n@alice", vec!["alice"]),
            ("```\n@bob", vec![]),
            ("```@bob``` @alice", vec!["alice"]),
            ("> @bob said\n\nme@host.com", vec!["bob"]),
            ("x`y`@bob", vec!["bob"]),
        ] {
            assert_eq!(names(markdown), expected, "{markdown:?}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_huge_text_is_read() {
        assert_eq!(names(&format!("@bob {} @alice", "é".repeat(MENTION_BYTES_MAX))), ["bob"]);
        let runs: String = (1..2000).map(|length| format!("{} ", "`".repeat(length))).collect();
        assert_eq!(names(&runs), Vec::<String>::new());
    }

    #[test]
    fn a_link_is_an_address_and_nothing_after_it() {
        assert_eq!(link("https://git.lab/a/b/issues/1"), Some("https://git.lab/a/b/issues/1"));
        for bad in ["", "javascript:alert(1)", "/a/b", "http://a b", "http://a\n", "http://a/\u{202e}"] {
            assert_eq!(link(bad), None, "{bad:?}");
        }
        assert_eq!(link(&format!("http://{}", "x".repeat(2000))), None);
    }

    proptest! {
        #[test]
        fn one_line_is_a_line_within_its_bound_and_stays_as_it_is(text in any::<String>(), most in 0_usize..30) {
            let line = one_line(&text, most);
            prop_assert!(line.chars().count() <= most + 1);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(one_line(&line, most + 1), line.clone());
        }

        #[test]
        fn a_mention_outside_code_is_found_by_the_protocols_rule(text in "[@a-c `~\n]{0,40}") {
            for name in names(&text) {
                let mention = format!("@{name}");
                prop_assert!(text.contains(&mention));
            }
        }
    }
}
