//! Finds `@name` in a message's content (section 4). The registered agents decide how many letters of `@Scoutさん` belong
//! to the name: [`find`] returns the candidates, and [`resolve`] chooses among them.

use std::collections::HashSet;

use crate::fences::prose;
use crate::letters::{Spacing, is_agent_char, is_first_char, is_mark, nfc, spacing};
use crate::limits::NAME_CHARS_MAX;
use crate::names::AgentName;

/// Signs that begin a mention: `@` and its full-width form.
const SIGNS: [char; 2] = ['@', '\u{ff20}'];

/// A mention with all names that it can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The mentioned agent if no candidate is registered; None for a reserved name.
    unregistered: Option<AgentName>,
    /// Longer names, the longest last.
    longer: Vec<AgentName>,
}

impl From<AgentName> for Mention {
    /// A mention of exactly this agent.
    fn from(name: AgentName) -> Self {
        Self { unregistered: Some(name), longer: Vec::new() }
    }
}

impl Mention {
    /// The registered name, or else the name that may register later. `registered` returns the registered spelling of a
    /// name.
    fn resolve<'a>(&'a self, registered: &impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
        let names = self.longer.iter().rev().chain(&self.unregistered);
        let known = names.into_iter().find_map(|name| registered(name.as_str()));
        known.or_else(|| self.unregistered.as_ref().map(AgentName::as_str))
    }
}

/// The mentions in `content` in order of appearance, at most `most`. Each spelling occurs once.
///
/// Takes linear time: each character is read a fixed number of times.
pub fn find(content: &str, most: usize) -> Vec<Mention> {
    if !content.contains('@') && (content.is_ascii() || !content.contains(SIGNS[1])) {
        return Vec::new();
    }
    let content = nfc(content);
    let mut seen = HashSet::new();
    let signs = prose(&content).into_iter().flat_map(|part| part.match_indices(SIGNS).map(move |sign| (part, sign)));
    let runs = signs.filter(|(part, (at, _))| !follows_word(&part[..*at])).map(|(part, (at, sign))| {
        let rest = &part[at + sign.len()..];
        &rest[..rest.find(|c| !is_agent_char(c)).unwrap_or(rest.len())]
    });
    let new = runs.filter(|run| run.starts_with(is_first_char)).filter(|run| seen.insert(*run));
    new.filter_map(candidates).take(most).collect()
}

/// The mentioned agents in order of appearance, each once. `registered` returns the registered spelling of a name: an
/// equal name, or the only one that differs only in case.
pub fn resolve<'a>(mentions: &'a [Mention], registered: impl Fn(&str) -> Option<&'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    let names = mentions.iter().filter_map(|mention| mention.resolve(&registered));
    names.filter(|name| mentions.len() == 1 || seen.insert(*name)).collect()
}

/// The mentioned agents if nobody is registered. Only a hub knows who is.
pub fn extract(content: &str) -> Vec<AgentName> {
    let mut seen = HashSet::new();
    let names = find(content, usize::MAX).into_iter().filter_map(|mention| mention.unregistered);
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// Returns whether the sign after `before` is within a word, as in an e-mail address.
fn follows_word(before: &str) -> bool {
    let Some(c) = before.chars().rev().find(|c| !is_mark(*c)) else { return false };
    c == '.' || (is_first_char(c) && spacing(c) != Spacing::Unspaced)
}

/// The prefixes of a run that can be names; None if there is none.
fn candidates(run: &str) -> Option<Mention> {
    let mut names: Vec<Option<AgentName>> = Vec::new();
    let mut before = Spacing::Neutral;
    let mut chars = 0;
    for (at, c) in run.char_indices() {
        let here = spacing(c);
        if here != Spacing::Neutral {
            if before != Spacing::Neutral && here != before {
                names.push(AgentName::from_run(&run[..at]));
            }
            before = here;
        }
        chars += 1;
        if chars > NAME_CHARS_MAX {
            break;
        }
    }
    // The whole run is a name only without `.` and `-` at its end.
    names.push(AgentName::from_run(run));
    let mut names = names.into_iter();
    let mention = Mention { unregistered: names.next().flatten(), longer: names.flatten().collect() };
    (mention.unregistered.is_some() || !mention.longer.is_empty()).then_some(mention)
}
