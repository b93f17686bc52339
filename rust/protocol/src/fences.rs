//! Finds fenced code blocks (section 4). Text in them mentions nobody.
//!
//! Follows CommonMark's rule line by line, with two exceptions: a fence may be indented by any number of columns, as in
//! a list, and its closing line may be indented less.

/// An open block.
struct Fence {
    mark: char,
    length: usize,
    /// The number of `>` at the start of its lines.
    quotes: usize,
    /// The least indentation of its lines, if the block began after a list marker.
    indent: usize,
}

/// The start of a line.
struct Start<'a> {
    quotes: usize,
    /// Columns after the last `>` or the beginning.
    indent: usize,
    rest: &'a str,
}

/// The parts of `content` outside fenced code blocks, in order. Each part ends at a line's end.
pub fn prose(content: &str) -> Vec<&str> {
    if !content.contains("```") && !content.contains("~~~") {
        return vec![content];
    }
    let mut parts = Vec::new();
    let mut open: Option<Fence> = None;
    let (mut from, mut at) = (0, 0);
    for line in content.split_inclusive(['\n', '\r']) {
        let was_open = open.is_some();
        open = match open {
            Some(fence) if fence.holds(line) => (!fence.is_closed_by(line)).then_some(fence),
            // The quote or list has ended, and the block with it. This line may open the next block.
            _ => Fence::opened_by(line),
        };
        match (was_open, open.is_some()) {
            (false, true) => parts.push(&content[from..at]),
            (true, false) => from = at,
            _ => {}
        }
        at += line.len();
    }
    if open.is_none() {
        parts.push(&content[from..]);
    }
    parts
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let mut start = start_of(line, usize::MAX);
        let mut indent = 0;
        while let Some(width) = list_marker(start.rest) {
            let inner = start_of(&start.rest[width..], 0);
            start = Start { indent: start.indent + width + inner.indent, ..start };
            start.rest = inner.rest;
            indent = start.indent;
        }
        let mark = start.rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = start.rest.len() - start.rest.trim_start_matches(mark).len();
        let is_fence = length >= 3 && !(mark == '`' && start.rest[length..].contains('`'));
        is_fence.then_some(Self { mark, length, quotes: start.quotes, indent })
    }

    /// Returns whether the line is still within the quote and list item in which the block began.
    fn holds(&self, line: &str) -> bool {
        let start = start_of(line, self.quotes);
        let is_inside = start.indent >= self.indent || start.rest.trim().is_empty();
        start.quotes == self.quotes && (is_inside || self.is_closed_by(line))
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let rest = start_of(line, self.quotes).rest.trim_end();
        rest.len() >= self.length && rest.chars().all(|c| c == self.mark)
    }
}

/// Removes blanks and up to `quotes_max` quote markers from a line.
fn start_of(line: &str, quotes_max: usize) -> Start<'_> {
    let mut start = Start { quotes: 0, indent: 0, rest: line };
    loop {
        let rest = start.rest.trim_start_matches([' ', '\t']);
        start.indent += start.rest.len() - rest.len();
        start.rest = rest;
        match rest.strip_prefix('>') {
            Some(quoted) if start.quotes < quotes_max => {
                start = Start { quotes: start.quotes + 1, indent: 0, rest: quoted };
            }
            _ => return start,
        }
    }
}

/// The length of a list marker at the start: `-`, `*`, `+`, `1.` or `1)`, followed by a blank.
fn list_marker(text: &str) -> Option<usize> {
    let digits = text.bytes().take(10).take_while(u8::is_ascii_digit).count();
    let mark = *text.as_bytes().get(digits)?;
    let is_marker =
        if digits == 0 { matches!(mark, b'-' | b'*' | b'+') } else { digits < 10 && matches!(mark, b'.' | b')') };
    let is_apart = matches!(text.as_bytes().get(digits + 1), Some(b' ' | b'\t'));
    (is_marker && is_apart).then_some(digits + 1)
}
