//! The place of a message: a channel, or the conversation of two agents. The log stores it as one text. For a
//! conversation that is both names in order, `@alice @bob`, so it is the same from both sides. Only this file composes
//! or parses that text.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use orochi_protocol::{ChannelName, Target};

/// The bytes of the `@` before each name, and of the space between them.
const AT: usize = 1;
const SPACE: usize = 1;

/// The place of a message. Two places are equal if their stored texts are. A clone shares the text.
#[derive(Debug, Clone)]
pub enum Place {
    /// A channel.
    Channel(ChannelName),
    /// The direct messages between two agents.
    Conversation(Pair),
    /// A text that is neither. scitex-orochi 0.1.0 accepted any; this hub stores none.
    Other(Arc<str>),
}

/// The two agents of a conversation.
#[derive(Debug, Clone)]
pub struct Pair {
    /// `@alice @bob`. A name can't contain a space, so this equals no channel and no other conversation.
    stored: Arc<str>,
    /// The length of `@alice`.
    first: usize,
}

impl Place {
    /// Finds the place of a request's target. `agent` is the requesting agent. None if the target is an agent and
    /// there is no requesting one.
    pub fn of(target: &Target, agent: Option<&str>) -> Option<Self> {
        match target {
            Target::Channel(channel) => Some(Self::Channel(channel.clone())),
            Target::Direct(other) => agent.map(|agent| Self::Conversation(Pair::new(agent, other.as_str()))),
        }
    }

    /// Parses the text of a row.
    pub fn parse(text: &str) -> Self {
        if let Some(pair) = Pair::parse(text) {
            return Self::Conversation(pair);
        }
        let channel = text.starts_with('#').then(|| ChannelName::parse(text).ok()).flatten();
        match channel.filter(|channel| channel.as_str() == text) {
            Some(channel) => Self::Channel(channel),
            None => Self::Other(text.into()),
        }
    }

    /// The text in a row.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Channel(channel) => channel.as_str(),
            Self::Conversation(pair) => &pair.stored,
            Self::Other(text) => text,
        }
    }

    /// The other agent of a conversation. None if the place is not a conversation of `side`.
    pub fn partner(&self, side: &str) -> Option<&str> {
        match self {
            Self::Conversation(pair) => pair.partner(side),
            Self::Channel(_) | Self::Other(_) => None,
        }
    }

    /// The name under which the hub lists the place among its channels; None if it does not.
    pub fn listed(&self) -> Option<&str> {
        match self {
            Self::Channel(channel) => Some(channel.as_str()),
            Self::Conversation(_) => None,
            Self::Other(text) => Some(&**text).filter(|text| text.starts_with('#')),
        }
    }
}

impl Pair {
    /// Names the conversation of two agents, in either order.
    pub fn new(one: &str, other: &str) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        Self { stored: format!("@{first} @{second}").into(), first: AT + first.len() }
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, _) = text.strip_prefix('@')?.split_once(" @")?;
        Some(Self { stored: text.into(), first: AT + first.len() })
    }

    /// The names of the two agents, in order.
    pub fn sides(&self) -> [&str; 2] {
        self.addresses().map(|address| &address[AT..])
    }

    /// The other agent; None if `side` is neither of the two.
    pub fn partner(&self, side: &str) -> Option<&str> {
        self.seen_by(side).map(|address| &address[AT..])
    }

    /// The channel that `side` sees: `@` and the name of the other agent. None if `side` is neither of the two.
    pub fn seen_by(&self, side: &str) -> Option<&str> {
        let [first, second] = self.sides();
        match side {
            _ if side == first => Some(self.addresses()[1]),
            _ if side == second => Some(self.addresses()[0]),
            _ => None,
        }
    }

    /// `@alice` and `@bob`.
    fn addresses(&self) -> [&str; 2] {
        let (first, second) = self.stored.split_at(self.first);
        [first, &second[SPACE..]]
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Place {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_of_a_conversation_is_the_same_from_both_sides() {
        let pair = Pair::new("bob", "alice");
        assert_eq!(Place::Conversation(pair.clone()).as_str(), "@alice @bob");
        assert_eq!(Place::Conversation(Pair::new("alice", "bob")), Place::Conversation(pair.clone()));
        assert_eq!(pair.sides(), ["alice", "bob"]);
        for (side, partner, seen) in
            [("alice", Some("bob"), Some("@bob")), ("bob", Some("alice"), Some("@alice")), ("carol", None, None)]
        {
            assert_eq!((pair.partner(side), pair.seen_by(side)), (partner, seen), "{side}");
        }
    }

    #[test]
    fn place_is_read_as_it_was_written() {
        let conversation = Place::Conversation(Pair::new("ö", "a.b"));
        match Place::parse(conversation.as_str()) {
            Place::Conversation(pair) => assert_eq!(pair.sides(), ["a.b", "ö"]),
            other => panic!("{other:?}"),
        }
        assert!(matches!(Place::parse("#team/ci.1"), Place::Channel(channel) if channel.as_str() == "#team/ci.1"));
    }

    #[test]
    fn place_of_an_odd_row_keeps_its_text() {
        for (text, listed) in [
            ("general", None),
            ("@bob", None),
            ("", None),
            ("#a b", Some("#a b")),
            ("#", Some("#")),
            // Not in NFC: a channel's name is.
            ("#e\u{301}", Some("#e\u{301}")),
        ] {
            let place = Place::parse(text);
            assert!(matches!(place, Place::Other(_)), "{place:?}");
            assert_eq!((place.as_str(), place.listed(), place.partner("bob")), (text, listed, None));
        }
    }
}
