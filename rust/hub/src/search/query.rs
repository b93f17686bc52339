//! Parses the text of a search box: words, phrases, exclusions, and the operators `from:`, `in:`, `before:` and
//! `after:` (docs/protocol.md, section 9, Search).

use orochi_protocol::fields::{invalid, missing};
use orochi_protocol::{AgentName, ErrorCode, Refusal, Target, Timestamp};

use super::units::Units;

/// Units that must follow each other in a text.
#[derive(Debug)]
pub struct Phrase {
    pub units: Units,
    /// The last word is only a beginning: `rout*`.
    pub is_prefix: bool,
}

/// The parsed text.
#[derive(Debug, Default)]
pub struct Query {
    /// A text must contain all of these.
    pub phrases: Vec<Phrase>,
    /// A text must contain none of these.
    pub excluded: Vec<Phrase>,
    /// `from:`; the sender must equal each of these.
    pub from: Vec<AgentName>,
    /// `-from:`; the sender must equal none of these.
    pub not_from: Vec<AgentName>,
    /// `in:`; the channel must equal each of these.
    pub within: Vec<Target>,
    /// `-in:`; the channel must equal none of these.
    pub not_within: Vec<Target>,
    /// `after:`, inclusive.
    pub since: Option<Timestamp>,
    /// `before:`, exclusive.
    pub before: Option<Timestamp>,
}

impl Query {
    /// Parses a text.
    ///
    /// # Errors
    /// `INVALID_FIELD` if an operator's value is invalid, or the text has only exclusions.
    pub fn parse(field: &str, text: &str) -> Result<Self, Refusal> {
        let mut query = Self::default();
        for part in Parts(text) {
            query.add(field, part)?;
        }
        let excludes = !(query.excluded.is_empty() && query.not_from.is_empty() && query.not_within.is_empty());
        if excludes && !query.selects() {
            let detail = format!("{field} has only exclusions: add a word, a sender or a channel to search for");
            return Err(Refusal::new(ErrorCode::InvalidField, detail));
        }
        Ok(query)
    }

    /// Refuses a conversation in `in:` without a searching agent. `field` is the name of the missing parameter.
    ///
    /// # Errors
    /// `MISSING_FIELD`.
    pub fn check_asker(&self, field: &str, agent: Option<&AgentName>) -> Result<(), Refusal> {
        let direct = |target: &Target| matches!(target, Target::Direct(_));
        if agent.is_none() && self.within.iter().chain(&self.not_within).any(direct) {
            return Err(missing(field, "the name of the agent whose direct messages are searched with in:@name"));
        }
        Ok(())
    }

    /// Returns whether there is any positive condition.
    pub fn selects(&self) -> bool {
        let has_operator = !self.from.is_empty() || !self.within.is_empty() || self.since.or(self.before).is_some();
        has_operator || !self.phrases.is_empty()
    }

    fn add(&mut self, field: &str, part: Part<'_>) -> Result<(), Refusal> {
        match (part.operator, part.is_excluded) {
            (Some("from"), false) => self.from.push(name(field, part.text)?),
            (Some("from"), true) => self.not_from.push(name(field, part.text)?),
            (Some("in"), false) => self.within.push(Target::parse(part.text)?),
            (Some("in"), true) => self.not_within.push(Target::parse(part.text)?),
            (Some("after"), false) => {
                let time = time(field, "after", part.text)?;
                self.since = Some(self.since.map_or(time, |known| known.max(time)));
            }
            (Some("before"), false) => {
                let time = time(field, "before", part.text)?;
                self.before = Some(self.before.map_or(time, |known| known.min(time)));
            }
            (_, is_excluded) => {
                let units = Units::new(part.text);
                let phrase = Phrase { is_prefix: part.text.ends_with('*'), units };
                if !phrase.units.as_slice().is_empty() {
                    if is_excluded { self.excluded.push(phrase) } else { self.phrases.push(phrase) }
                }
            }
        }
        Ok(())
    }
}

fn name(field: &str, text: &str) -> Result<AgentName, Refusal> {
    AgentName::parse(text.strip_prefix('@').unwrap_or(text))
        .map_err(|_| invalid(field, "the name of an agent after from:", &format!("from:{text}")))
}

fn time(field: &str, operator: &str, text: &str) -> Result<Timestamp, Refusal> {
    let expected = format!("a day or an RFC 3339 time after {operator}: (2026-01-15, 2026-01-15T10:30:00Z)");
    Timestamp::parse(text).ok_or_else(|| invalid(field, &expected, &format!("{operator}:{text}")))
}

/// A part of the text: a word, a phrase in quotation marks, or an operator with its value.
struct Part<'a> {
    operator: Option<&'a str>,
    is_excluded: bool,
    text: &'a str,
}

/// Iterates over the parts of a text.
struct Parts<'a>(&'a str);

/// Words that are operators before a colon. Other colons are part of a text.
const OPERATORS: [&str; 4] = ["from", "in", "before", "after"];

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let rest = self.0.trim_start();
        if rest.is_empty() {
            return None;
        }
        let unsigned = rest.strip_prefix('-').filter(|after| !after.starts_with(char::is_whitespace));
        let is_excluded = unsigned.is_some_and(|after| !after.is_empty());
        let rest = if is_excluded { unsigned.unwrap_or(rest) } else { rest };
        let operator = OPERATORS.into_iter().find(|operator| {
            let value = rest.get(operator.len()..).and_then(|after| after.strip_prefix(':'));
            rest.get(..operator.len()).is_some_and(|start| start.eq_ignore_ascii_case(operator))
                && value.is_some_and(|value| !value.is_empty() && !value.starts_with(char::is_whitespace))
        });
        let rest = operator.map_or(rest, |operator| &rest[operator.len() + 1..]);
        let (text, after) = match rest.strip_prefix('"') {
            // An unclosed quotation mark extends to the end.
            Some(inner) => inner.split_once('"').unwrap_or((inner, "")),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        // A star right after a phrase belongs to it, as in "big rout"*, and has no effect there.
        self.0 = after.strip_prefix('*').unwrap_or(after);
        Some(Part { operator, is_excluded, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let query = Query::parse("q", text).unwrap();
        let phrase = |phrase: &Phrase| {
            let units: Vec<_> = phrase.units.iter().map(|unit| phrase.units.text(unit)).collect();
            format!("{}{}", units.join("+"), if phrase.is_prefix { "*" } else { "" })
        };
        let mut parts: Vec<String> = query.phrases.iter().map(phrase).collect();
        parts.extend(query.excluded.iter().map(|excluded| format!("-{}", phrase(excluded))));
        parts.extend(query.from.iter().map(|name| format!("from:{name}")));
        parts.extend(query.not_from.iter().map(|name| format!("-from:{name}")));
        parts.extend(query.within.iter().map(|target| format!("in:{target}")));
        parts.extend(query.since.iter().map(|time| format!("after:{time}")));
        parts.extend(query.before.iter().map(|time| format!("before:{time}")));
        parts.join(" ")
    }

    #[test]
    fn a_text_is_words_phrases_exclusions_and_operators() {
        for (text, expected) in [
            ("Deploy failed", "deploy failed"),
            ("\"deploy failed\" now", "deploy+failed now"),
            ("rout* -draft", "rout* -draft"),
            ("gen-itgc", "gen+itgc"),
            ("-\"not this\" that", "that -not+this"),
            ("from:alice in:builds IN:@bob from:@carol", "from:alice from:carol in:#builds in:@bob"),
            ("x -from:ci", "x -from:ci"),
            (
                "after:2026-01-15 before:2026-01-16",
                "after:2026-01-15T00:00:00.000000+00:00 before:2026-01-16T00:00:00.000000+00:00",
            ),
            ("https://host/path from: alone", "https+host+path from alone"),
            ("\"open quote", "open+quote"),
            ("- -- \"\" ! *", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_can_not_be_meant_is_refused_with_the_value() {
        for (text, part) in [
            ("-draft", "only exclusions"),
            ("-from:bob -x", "only exclusions"),
            ("before:yesterday", "before:yesterday"),
            ("from:a/b", "from:a/b"),
        ] {
            let refusal = Query::parse("q", text).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::InvalidField, "{text}");
            assert!(refusal.detail.contains(part), "{}", refusal.detail);
        }
    }
}
