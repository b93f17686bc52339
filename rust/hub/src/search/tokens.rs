//! The tokens by which the index stores a message, and the FTS5 expressions that find them.
//!
//! FTS5 splits at ASCII characters only (its `ascii` tokenizer, with [`TOKEN_CHARS`] added), so this module cuts texts
//! into tokens. A word is one token. A run of characters without spaces becomes its pairs of neighbours and, for
//! queries of a single character, its last character. A message's channel, sender and allowed readers are tokens too.
//! Each of these begins with a character that no word can contain.

use super::units::{Kind, Unit, Units};
use crate::store::{Message, Place};

/// ASCII characters, besides letters and digits, that a token may contain. They occur in names and in the sides of a
/// conversation.
pub(super) const TOKEN_CHARS: &str = "-._/#@,";

/// The first characters of tokens that are not words (private use, so never letters).
const SENDER: char = '\u{e010}';
const PLACE: char = '\u{e011}';
const DIRECT: char = '\u{e012}';
const SIDE: char = '\u{e013}';

/// Words longer than this are indexed by their beginning. Nobody types a key or an encoded picture.
const WORD_BYTES_MAX: usize = 64;

/// Adds a message's tokens to `into`, separated by spaces.
pub(super) fn of_message(message: &Message, units: &mut Units, into: &mut String) {
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
    push_named(SENDER, &message.sender, into);
    into.push(' ');
    push_named(PLACE, message.place.as_str(), into);
    if let Place::Conversation(pair) = &message.place {
        into.push(' ');
        into.push(DIRECT);
        for side in pair.sides() {
            into.push(' ');
            push_named(SIDE, side, into);
        }
    }
}

/// The token of a sender.
pub(super) fn sender(name: &str) -> String {
    named(SENDER, name)
}

/// The token of a channel or a conversation.
pub(super) fn place(place: &Place) -> String {
    named(PLACE, place.as_str())
}

fn side_token(name: &str) -> String {
    named(SIDE, name)
}

fn named(first: char, name: &str) -> String {
    let mut token = String::new();
    push_named(first, name, &mut token);
    token
}

fn push_named(first: char, name: &str, into: &mut String) {
    let is_kept = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || TOKEN_CHARS.contains(c);
    into.push(first);
    if name.chars().all(is_kept) {
        into.push_str(name);
    } else {
        into.extend(name.chars().map(|c| if is_kept(c) { c } else { ',' }));
    }
}

/// A token, or the beginning of one, that a text must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub token: String,
    /// `token` is only the beginning.
    pub is_prefix: bool,
}

impl Term {
    /// A term for a whole token.
    pub(crate) fn whole(token: String) -> Self {
        Self { token, is_prefix: false }
    }
}

/// Writes the term as part of an FTS5 expression.
impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A token never contains a quotation mark.
        write!(f, "\"{}\"{}", self.token, if self.is_prefix { " *" } else { "" })
    }
}

/// A query for the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expression {
    /// The FTS5 syntax.
    pub text: String,
    /// Terms that every match has.
    pub terms: Vec<Term>,
}

impl Expression {
    /// Matches messages with all `terms` that `agent` may see: no direct messages but its own. None without terms.
    pub(crate) fn new(terms: Vec<Term>, agent: Option<&str>) -> Option<Self> {
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

/// The terms of every text that has these units in this order. `is_prefix` means that the last word is only a
/// beginning.
pub(super) fn of_query(units: &Units, is_prefix: bool) -> Vec<Term> {
    let all = units.as_slice();
    let last = all.len().saturating_sub(1);
    let term = |(at, unit): (usize, &Unit)| match unit.kind {
        Kind::Word => Some(Term { token: cut(units.text(unit)).to_owned(), is_prefix: is_prefix && at == last }),
        Kind::Char { tight } => match all.get(at + 1).filter(|next| next.kind == (Kind::Char { tight: true })) {
            Some(next) => Some(Term::whole(format!("{}{}", units.text(unit), units.text(next)))),
            // The previous pair already has the last character of a run.
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
        let token = |text| place(&Place::parse(text));
        assert_eq!(token("@a @b"), "\u{e011}@a,@b");
        assert_eq!(token("odd \"name\"\n"), "\u{e011}odd,,name,,");
        let public = Expression::new(vec![Term::whole("x".to_owned())], None).unwrap();
        assert_eq!(public.text, "(\"x\") NOT \"\u{e012}\"");
    }
}
