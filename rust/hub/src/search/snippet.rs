//! Cuts the part of a text that a hit shows.

/// The marks around a match: private-use characters, which are removed from the text itself.
pub(super) const OPEN: char = '\u{e000}';
pub(super) const CLOSE: char = '\u{e001}';

/// The length of a snippet, and of its part before the first match, in code points: about two lines.
const CHARS_MAX: usize = 200;
const BEFORE: usize = 50;
/// A cut moves back to white space within this distance.
const WORD_SEARCH: usize = 20;

/// The part of `content` with the most of `ranges`, each between [`OPEN`] and [`CLOSE`], with `…` at each cut.
pub(super) fn snippet(content: &str, ranges: &[(u32, u32)]) -> String {
    let chars: Vec<char> = content.chars().collect();
    let first = densest(ranges).map_or(0, |at| ranges[at].0 as usize);
    let start = if first <= BEFORE { 0 } else { word_start(&chars, first - BEFORE, first) };
    let end = (start + CHARS_MAX).min(chars.len());
    let mut out = String::with_capacity(content.len().min(CHARS_MAX * 4));
    if start > 0 {
        out.push('…');
    }
    let mut inside = ranges.iter().filter(|(_, to)| *to as usize > start).peekable();
    for (at, c) in chars.iter().enumerate().take(end).skip(start) {
        if let Some((from, _)) = inside.peek()
            && (*from as usize).max(start) == at
        {
            out.push(OPEN);
        }
        if !matches!(*c, OPEN | CLOSE) {
            out.push(*c);
        }
        if let Some((from, to)) = inside.peek()
            && (*from as usize) <= at
            && (*to as usize == at + 1 || at + 1 == end)
        {
            out.push(CLOSE);
            inside.next();
        }
    }
    if end < chars.len() {
        out.push('…');
    }
    out
}

/// The range from which a snippet contains the most ranges.
fn densest(ranges: &[(u32, u32)]) -> Option<usize> {
    let width = u32::try_from(CHARS_MAX - BEFORE).unwrap_or(u32::MAX);
    let held = |at: usize| ranges[at..].partition_point(|(start, _)| *start < ranges[at].0.saturating_add(width));
    // Prefer the earliest of equal ones; `max_by_key` would choose the last.
    (0..ranges.len()).rev().max_by_key(|at| held(*at))
}

fn word_start(chars: &[char], start: usize, first: usize) -> usize {
    let limit = (start + WORD_SEARCH).min(first);
    (start..limit).find(|at| chars[*at].is_whitespace()).map_or(start, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content: &str, ranges: &[(u32, u32)]) -> String {
        snippet(content, ranges).replace(OPEN, "<").replace(CLOSE, ">")
    }

    #[test]
    fn a_short_text_is_shown_whole_with_its_matches() {
        assert_eq!(shown("a failed deploy", &[(2, 8)]), "a <failed> deploy");
        assert_eq!(shown("失敗した", &[(0, 2)]), "<失敗>した");
        assert_eq!(shown("x\u{e000}y", &[(2, 3)]), "x<y>");
        assert_eq!(shown("nothing", &[]), "nothing");
    }

    #[test]
    fn a_long_text_is_cut_around_the_most_matches() {
        let content = format!("lone {} near near {}", "filler ".repeat(60), "end ".repeat(100));
        let at = u32::try_from(content.find("near").unwrap()).unwrap();
        let shown = shown(&content, &[(0, 4), (at, at + 4), (at + 5, at + 9)]);
        assert!(shown.starts_with("…filler") && shown.ends_with('…'), "{shown}");
        assert!(shown.contains("<near> <near>"), "{shown}");
        let long = "x".repeat(1000);
        assert_eq!(super::snippet(&long, &[(0, 1000)]).chars().count(), CHARS_MAX + 3);
    }
}
