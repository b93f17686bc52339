//! Characters of all scripts (section 4): those that names may have, their normal form and case, and which scripts have
//! no spaces between words.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, Script};
use icu_properties::script::ScriptWithExtensions;
use icu_properties::{CodePointMapData, CodePointSetData};

/// Scripts without spaces between words, or in which particles follow a name directly.
const UNSPACED: [Script; 8] = [
    Script::Han,
    Script::Hiragana,
    Script::Katakana,
    Script::Hangul,
    Script::Thai,
    Script::Lao,
    Script::Khmer,
    Script::Myanmar,
];

/// The relation of a character to spaces between words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// A character of a script with spaces between words.
    Spaced,
    /// A character of a script without.
    Unspaced,
    /// A character of no script: digits, `_`, marks. It belongs to the text before it.
    Neutral,
}

/// The text in Unicode's normalization form C. Names are compared in this form.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// The text without differences of case, for comparison with other folded texts. Upper case comes first, because `ς`
/// and `σ` are both `Σ`.
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let folded: String = text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    nfc(&folded).into_owned()
}

/// Returns whether a name may start with this character.
pub fn is_first_char(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c.is_alphanumeric() && !is_mark(c) && !is_invisible(c)
}

/// Returns whether an agent's name may contain this character.
pub fn is_agent_char(c: char) -> bool {
    is_first_char(c) || c == '-' || c == '.' || (is_mark(c) && !is_invisible(c))
}

/// Returns whether this is a combining mark (general categories Mn and Mc).
pub fn is_mark(c: char) -> bool {
    !c.is_ascii()
        && matches!(
            CodePointMapData::<GeneralCategory>::new().get(c),
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark
        )
}

/// Returns whether this is an invisible character (Default_Ignorable_Code_Point). Some of them are letters.
pub fn is_invisible(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

pub fn spacing(c: char) -> Spacing {
    if c.is_ascii() {
        return if c.is_ascii_alphabetic() { Spacing::Spaced } else { Spacing::Neutral };
    }
    let scripts = ScriptWithExtensions::new();
    if UNSPACED.iter().any(|script| scripts.has_script(c, *script)) {
        return Spacing::Unspaced;
    }
    match scripts.get_script_val(c) {
        Script::Common | Script::Inherited => Spacing::Neutral,
        _ => Spacing::Spaced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_follows_the_script_and_neutral_characters_have_none() {
        for (characters, expected) in [
            ("aéЖאनA", Spacing::Spaced),
            ("漢々あーアー한ถລក\u{17d2}မ", Spacing::Unspaced),
            ("7_-.\u{301}１①", Spacing::Neutral),
        ] {
            for c in characters.chars() {
                assert_eq!(spacing(c), expected, "{c:?}");
            }
        }
    }

    #[test]
    fn folding_case_makes_one_of_all_spellings() {
        for (one, other) in [("Scout", "SCOUT"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"), ("straße", "STRASSE"), ("ΐ", "Ϊ\u{301}")]
        {
            assert_eq!(fold_case(one), fold_case(other));
        }
        assert_ne!(fold_case("ı"), fold_case("é"));
    }
}
