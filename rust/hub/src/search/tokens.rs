//! The tokens under which the index holds a message, and the expressions that find them again.
//!
//! FTS5 splits at ASCII characters only (its `ascii` tokenizer, with [`TOKEN_CHARS`] added), so a text is cut into
//! tokens here: a word is one token, a run of characters without spaces is its pairs of neighbours and, for a query of
//! a single character, its last one. Where a message is, who said it and who may see it are tokens too, each with a
//! first character that no word can hold.

use super::units::{Kind, Unit, Units};
use crate::store::{StoredMessage, conversation_sides};

/// ASCII characters, besides letters and digits, that a token may hold: those of names and of the sides of a
/// conversation.
pub const TOKEN_CHARS: &str = "-._/#@,";

/// First characters of tokens that are no words (private use, so no letters).
const SENDER: char = '\u{e010}';
const CHANNEL: char = '\u{e011}';
const DIRECT: char = '\u{e012}';
const SIDE: char = '\u{e013}';

/// Longer words are found by their first characters: a key or a picture in a text is no word that somebody types.
const WORD_BYTES_MAX: usize = 64;

/// Writes a message's tokens into `into`, separated by spaces.
pub fn of_message(message: &StoredMessage, units: &mut Units, into: &mut String) {
    into.clear();
    units.read(&message.content);
    let all = units.as_slice();
    for (at, unit) in all.iter().enumerate() {
        match unit.kind {
            Kind::Word => into.push_str(cut(units.text(unit))),
            Kind::Char { .. } => {
                into.push_str(units.text(unit));
                if let Some(next) = all.get(at + 1).filter(|next| next.kind == (Kind::Char { tight: true })) {
                    into.push_str(units.text(next));
                }
            }
        }
        into.push(' ');
    }
    into.push_str(&sender(&message.sender));
    into.push(' ');
    into.push_str(&channel(&message.channel));
    if let Some(sides) = conversation_sides(&message.channel) {
        into.push(' ');
        into.push(DIRECT);
        for side in sides {
            into.push(' ');
            into.push_str(&side_token(side));
        }
    }
}

/// The token of a sender.
pub fn sender(name: &str) -> String {
    named(SENDER, name)
}

/// The token of a channel or of a conversation's key.
pub fn channel(key: &str) -> String {
    named(CHANNEL, key)
}

fn side_token(name: &str) -> String {
    named(SIDE, name)
}

fn named(first: char, name: &str) -> String {
    let keep = |c: char| if !c.is_ascii() || c.is_ascii_alphanumeric() || TOKEN_CHARS.contains(c) { c } else { ',' };
    std::iter::once(first).chain(name.chars().map(keep)).collect()
}

/// A token, or the beginning of some, that a text must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The token, or its beginning.
    pub token: String,
    /// Whether it is only the beginning.
    pub is_prefix: bool,
}

impl Term {
    /// A whole token.
    pub fn whole(token: String) -> Self {
        Self { token, is_prefix: false }
    }
}

/// As a word of an FTS5 expression.
impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A token holds no quotation mark.
        write!(f, "\"{}\"{}", self.token, if self.is_prefix { " *" } else { "" })
    }
}

/// What the index is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// In the words of FTS5.
    pub text: String,
    /// What every match has.
    pub terms: Vec<Term>,
}

impl Expression {
    /// Messages that have all `terms` and that `agent` may see: no direct messages but its own. None without terms.
    pub fn new(terms: Vec<Term>, agent: Option<&str>) -> Option<Self> {
        if terms.is_empty() {
            return None;
        }
        let all = terms.iter().map(Term::to_string).collect::<Vec<_>>().join(" AND ");
        let public = format!("({all}) NOT {}", Term::whole(DIRECT.to_string()));
        let text = match agent {
            Some(agent) => format!("({public}) OR (({all}) AND {})", Term::whole(side_token(agent))),
            None => public,
        };
        Some(Self { text, terms })
    }
}

/// Terms that every text with these units in this order has; `is_prefix` says that the last word is only a beginning.
pub fn of_query(units: &Units, is_prefix: bool) -> Vec<Term> {
    let all = units.as_slice();
    let last = all.len().saturating_sub(1);
    let term = |(at, unit): (usize, &Unit)| match unit.kind {
        Kind::Word => Some(Term { token: cut(units.text(unit)).to_owned(), is_prefix: is_prefix && at == last }),
        Kind::Char { tight } => match all.get(at + 1).filter(|next| next.kind == (Kind::Char { tight: true })) {
            Some(next) => Some(Term::whole(format!("{}{}", units.text(unit), units.text(next)))),
            // The last one of a run is in the pair before.
            None if tight => None,
            None => Some(Term { token: units.text(unit).to_owned(), is_prefix: true }),
        },
    };
    all.iter().enumerate().filter_map(term).collect()
}

fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(WORD_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_of_a_query_are_tokens_of_the_texts_that_hold_it() {
        let terms = |text: &str, is_prefix| {
            let terms = of_query(&Units::new(text), is_prefix);
            terms.iter().map(Term::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(terms("失敗し", false), "\"失敗\" \"敗し\"");
        assert_eq!(terms("失", false), "\"失\" *");
        assert_eq!(terms("gen-itgc", false), "\"gen\" \"itgc\"");
        assert_eq!(terms("big rout", true), "\"big\" \"rout\" *");
        assert_eq!(terms("!?", false), "");
    }

    #[test]
    fn a_name_is_one_token_whatever_it_holds() {
        assert_eq!(channel("@a @b"), "\u{e011}@a,@b");
        assert_eq!(channel("odd \"name\"\n"), "\u{e011}odd,,name,,");
        let public = Expression::new(vec![Term::whole("x".to_owned())], None).unwrap();
        assert_eq!(public.text, "(\"x\") NOT \"\u{e012}\"");
    }
}
