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

/// `"token"`, as a word of an FTS5 expression.
pub fn quoted(token: &str) -> String {
    // A token holds no quotation mark.
    format!("\"{token}\"")
}

/// Limits `expression` to what `agent` may see: no direct messages but its own.
pub fn visible_to(expression: &str, agent: Option<&str>) -> String {
    let public = format!("({expression}) NOT {}", quoted(&DIRECT.to_string()));
    match agent {
        Some(agent) => format!("({public}) OR (({expression}) AND {})", quoted(&side_token(agent))),
        None => public,
    }
}

/// Terms that every text with these units in this order has; `is_prefix` says that the last word is only a beginning.
pub fn of_query(units: &Units, is_prefix: bool) -> Vec<String> {
    let all = units.as_slice();
    let last = all.len().saturating_sub(1);
    let term = |(at, unit): (usize, &Unit)| match unit.kind {
        Kind::Word if is_prefix && at == last => Some(format!("{} *", quoted(cut(units.text(unit))))),
        Kind::Word => Some(quoted(cut(units.text(unit)))),
        Kind::Char { tight } => match all.get(at + 1).filter(|next| next.kind == (Kind::Char { tight: true })) {
            Some(next) => Some(quoted(&format!("{}{}", units.text(unit), units.text(next)))),
            // The last one of a run is in the pair before.
            None if tight => None,
            None => Some(format!("{} *", quoted(units.text(unit)))),
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
        let terms = |text: &str, is_prefix| of_query(&Units::new(text), is_prefix).join(" ");
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
        assert_eq!(visible_to("\"x\"", None), "(\"x\") NOT \"\u{e012}\"");
    }
}
