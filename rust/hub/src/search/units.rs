//! Cuts a text into the units that a search compares: words of scripts with spaces, single characters of other scripts.
//!
//! Case and diacritics are ignored. A unit has the folded text and the span of the original.

use icu_normalizer::properties::{CanonicalCompositionBorrowed, CanonicalDecompositionBorrowed, Decomposed};
use orochi_protocol::letters::{Spacing, is_mark, spacing};

/// The kind of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word: letters, digits and marks of scripts with spaces.
    Word,
    /// One character of a script without spaces.
    Char {
        /// It directly follows another such character.
        tight: bool,
    },
}

/// One unit of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    pub kind: Kind,
    /// The start in the original text, in code points.
    pub start: u32,
    /// The end, exclusive.
    pub end: u32,
    /// The folded text, as a byte range of [`Units::folded`].
    from: u32,
    to: u32,
}

/// All units of a text, in order.
#[derive(Debug, Default)]
pub struct Units {
    folded: String,
    units: Vec<Unit>,
}

/// Combining marks over letters of European scripts. They are removed.
const DIACRITICS: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36f}';
/// Full-width ASCII, which is folded to plain ASCII.
const FULL_WIDTH: std::ops::RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';

impl Units {
    /// Cuts a text.
    pub fn new(text: &str) -> Self {
        let mut units = Self::default();
        units.read(text);
        units
    }

    /// Cuts another text and reuses the memory.
    pub fn read(&mut self, text: &str) {
        self.folded.clear();
        self.units.clear();
        let mut is_open = false;
        for (at, c) in (0u32..).zip(text.chars()) {
            is_open = self.push(c, at, is_open);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter()
    }

    pub fn as_slice(&self) -> &[Unit] {
        &self.units
    }

    /// A unit's folded text.
    pub fn text(&self, unit: &Unit) -> &str {
        &self.folded[unit.from as usize..unit.to as usize]
    }

    /// Adds one character. Returns whether the next one may continue the last unit.
    fn push(&mut self, c: char, at: u32, is_open: bool) -> bool {
        if c.is_ascii() {
            return c.is_ascii_alphanumeric()
                && self.push_word(at, is_open, |folded| folded.push(c.to_ascii_lowercase()));
        }
        let c = if FULL_WIDTH.contains(&c) { plain(c) } else { c };
        if !(c.is_alphanumeric() || is_mark(c)) {
            return false;
        }
        if self.compose(c, is_open) {
            return true;
        }
        if is_open && DIACRITICS.contains(&c) {
            self.extend_last();
            return true;
        }
        if spacing(c) == Spacing::Unspaced {
            let tight = is_open && matches!(self.units.last(), Some(Unit { kind: Kind::Char { .. }, .. }));
            return self.add(Kind::Char { tight }, at, |folded| folded.push(c));
        }
        self.push_word(at, is_open, |folded| fold_into(c, folded))
    }

    fn push_word(&mut self, at: u32, is_open: bool, write: impl FnOnce(&mut String)) -> bool {
        match self.units.last_mut() {
            Some(unit) if is_open && unit.kind == Kind::Word => {
                write(&mut self.folded);
                unit.to = u32_of(self.folded.len());
                unit.end = at + 1;
                true
            }
            _ => self.add(Kind::Word, at, write),
        }
    }

    fn add(&mut self, kind: Kind, at: u32, write: impl FnOnce(&mut String)) -> bool {
        let from = u32_of(self.folded.len());
        write(&mut self.folded);
        let to = u32_of(self.folded.len());
        self.units.push(Unit { kind, start: at, end: at + 1, from, to });
        true
    }

    fn extend_last(&mut self) {
        if let Some(unit) = self.units.last_mut() {
            unit.end += 1;
        }
    }

    /// Joins a character to the previous one if both are the decomposed form of one character: か and a voicing mark,
    /// parts of Hangul.
    fn compose(&mut self, c: char, is_open: bool) -> bool {
        let Some(unit) = self.units.last_mut().filter(|unit| is_open && unit.kind != Kind::Word) else { return false };
        let before = self.folded[unit.from as usize..].chars().next();
        let Some(whole) = before.and_then(|before| CanonicalCompositionBorrowed::new().compose(before, c)) else {
            return false;
        };
        self.folded.truncate(unit.from as usize);
        self.folded.push(whole);
        unit.to = u32_of(self.folded.len());
        unit.end += 1;
        true
    }
}

/// Appends the character in lower case without diacritics.
fn fold_into(c: char, folded: &mut String) {
    let mut base = c;
    // Singletons and letters with several marks need more than one step.
    loop {
        match CanonicalDecompositionBorrowed::new().decompose(base) {
            Decomposed::Expansion(letter, mark) if DIACRITICS.contains(&mark) => base = letter,
            Decomposed::Singleton(other) => base = other,
            Decomposed::Expansion(..) | Decomposed::Default => break,
        }
    }
    folded.extend(base.to_lowercase());
}

fn plain(full_width: char) -> char {
    char::from_u32(u32::from(full_width) - 0xfee0).unwrap_or(full_width)
}

/// This can't overflow: a text has at most 256 KiB.
fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let units = Units::new(text);
        let show = |unit: &Unit| {
            let glue = if unit.kind == (Kind::Char { tight: true }) { "+" } else { "" };
            format!("{glue}{}[{},{})", units.text(unit), unit.start, unit.end)
        };
        units.iter().map(show).collect()
    }

    #[test]
    fn units_are_words_of_spaced_scripts_and_single_characters_of_the_others() {
        for (text, expected) in [
            ("Deploy FAILED!", &["deploy[0,6)", "failed[7,13)"][..]),
            ("重跑gen-itgc后5", &["重[0,1)", "+跑[1,2)", "gen[2,5)", "itgc[6,10)", "后[10,11)", "5[11,12)"]),
            ("失敗 し", &["失[0,1)", "+敗[1,2)", "し[3,4)"]),
            ("हिन्दी भाषा", &["हिन्दी[0,6)", "भाषा[7,11)"]),
            ("ＡＢＣ１", &["abc1[0,4)"]),
            ("", &[]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn units_are_the_same_however_a_letter_is_written() {
        for (one, other) in [
            ("José", "Jose\u{301}"),
            ("ÉCOLE", "ecole"),
            ("が", "か\u{3099}"),
            ("한", "\u{1112}\u{1161}\u{11ab}"),
            ("ắ", "a"),
        ] {
            let folded = |text: &str| Units::new(text).folded;
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_eq!(shown("e\u{301}x"), ["ex[0,3)"]);
    }
}
