//! Agent and channel names (section 4), parsed once and valid from then on.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::codes::{ErrorCode, Refusal};
use crate::letters::{is_agent_char, is_first_char, is_invisible, nfc};
use crate::limits::NAME_CHARS_MAX;

/// Names that no agent can have: the hub's own, and two that chats use for "everyone".
pub const RESERVED: [&str; 3] = [crate::HUB_SENDER, "all", "here"];

/// An agent's name in NFC: 1 to 64 letters and digits of any script, `_`, `-`, `.`, marks; not reserved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentName(Arc<str>);

impl AgentName {
    /// Checks `text` against section 4.
    ///
    /// # Errors
    /// `INVALID_NAME`, with the text and what is allowed.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = nfc(text);
        if RESERVED.contains(&&*text) {
            return Err(Refusal::new(ErrorCode::InvalidName, format!("the name {text:?} is reserved; choose another")));
        }
        if !is_name(&text, is_agent_char) {
            return Err(Refusal::new(
                ErrorCode::InvalidName,
                format!(
                    "{} is not an agent name: use 1 to {NAME_CHARS_MAX} letters, digits, '_', '-' or '.', \
                     starting with a letter, a digit or '_'{}",
                    shown(&text),
                    invisible_letter(&text)
                ),
            ));
        }
        Ok(Self((*text).into()))
    }

    /// The name in a mention's run, without the punctuation at its end. The run must contain only a name's characters,
    /// in NFC. None if the name is too long or reserved.
    pub(crate) fn from_run(run: &str) -> Option<Self> {
        let name = run.trim_end_matches(['.', '-']);
        let fits = name.len() <= NAME_CHARS_MAX || name.chars().nth(NAME_CHARS_MAX).is_none();
        (fits && !RESERVED.contains(&name)).then(|| Self(name.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A channel's name with its `#`: `#` and 1 to 64 of an agent name's characters or `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// `#general`, the channel of an agent that names none.
    pub fn general() -> Self {
        Self("#general".into())
    }

    /// Checks `text` and adds `#` if missing.
    ///
    /// # Errors
    /// `INVALID_CHANNEL`, with the text and what is allowed.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = nfc(text);
        let bare = text.strip_prefix('#').unwrap_or(&text);
        if !is_name(bare, |c| is_agent_char(c) || c == '/') {
            let hint = if text.starts_with('@') {
                "; '@name' is a direct message, not a channel to join".to_owned()
            } else {
                invisible_letter(&text)
            };
            return Err(Refusal::new(
                ErrorCode::InvalidChannel,
                format!(
                    "{} is not a channel name: use '#' and 1 to {NAME_CHARS_MAX} letters, digits, '_', '-', '.' or \
                     '/', the first a letter, a digit or '_'{hint}",
                    shown(&text)
                ),
            ));
        }
        Ok(Self(if text.starts_with('#') { text.as_ref().into() } else { format!("#{bare}").into() }))
    }

    /// The name with its `#`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The target of a message: a channel or one agent (section 9, Direct messages).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Everyone in the channel.
    Channel(ChannelName),
    /// The one agent.
    Direct(AgentName),
}

impl Target {
    /// Parses a `channel` field: `@name` is an agent, everything else a channel.
    ///
    /// # Errors
    /// `INVALID_CHANNEL` for a channel that section 4 does not allow, `INVALID_NAME` for such an agent.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        match text.strip_prefix('@') {
            Some(name) => AgentName::parse(name).map(Target::Direct),
            None => ChannelName::parse(text).map(Target::Channel),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Channel(channel) => f.write_str(channel.as_str()),
            Target::Direct(agent) => write!(f, "@{agent}"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

macro_rules! text_value {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}
text_value!(AgentName);
text_value!(ChannelName);

fn is_name(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    text.chars().next().is_some_and(is_first_char)
        && text.chars().all(allowed)
        && text.chars().count() <= NAME_CHARS_MAX
}

/// A hint in errors about names with an invisible character.
fn invisible_letter(text: &str) -> String {
    let Some(c) = text.chars().find(|c| is_invisible(*c)) else { return String::new() };
    format!("; it has an invisible character, U+{:04X}", u32::from(c))
}

/// A value for an error text: quoted, escaped and cut, because it may be hostile or a megabyte long.
pub fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_names_are_accepted_and_refused_at_their_edges() {
        for good in ["a", "7", "_x", "gpu-1.lab", "ölwerk", "山田", "हिन्दी", "မြန်မာ", "Ж\u{301}", &"x".repeat(64)]
        {
            assert_eq!(AgentName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "a b", "a/b", "@a", "#a", "a\n", &"x".repeat(65), "all", "here", "orochi-server"] {
            assert_eq!(AgentName::parse(bad).unwrap_err().code, ErrorCode::InvalidName, "{bad:?}");
        }
    }

    #[test]
    fn names_are_compared_in_nfc_and_counted_in_it() {
        for (written, name) in [("Jose\u{301}", "José"), ("\u{1112}\u{1161}\u{11ab}", "한"), ("\u{212b}", "Å")] {
            assert_eq!(AgentName::parse(written).unwrap().as_str(), name);
            assert_eq!(ChannelName::parse(written).unwrap().as_str(), format!("#{name}"));
        }
        assert!(AgentName::parse(&"e\u{301}".repeat(64)).is_ok());
        assert!(AgentName::parse(&"e\u{301}".repeat(65)).is_err());
    }

    #[test]
    fn names_with_invisible_letters_or_a_mark_first_are_refused() {
        for c in
            ['\u{3164}', '\u{115f}', '\u{1160}', '\u{ffa0}', '\u{34f}', '\u{200b}', '\u{200d}', '\u{fe0f}', '\u{e0041}']
        {
            for bad in [format!("a{c}b"), format!("{c}"), format!("{c}a")] {
                let refusal = AgentName::parse(&bad).unwrap_err();
                assert_eq!(refusal.code, ErrorCode::InvalidName, "{bad:?}");
                assert!(refusal.detail.contains(&format!("U+{:04X}", u32::from(c))), "{refusal}");
                assert_eq!(ChannelName::parse(&bad).unwrap_err().code, ErrorCode::InvalidChannel, "{bad:?}");
            }
        }
        for bad in ["\u{301}a", "\u{93f}a"] {
            assert!(AgentName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_bare_channel_gets_its_hash_and_a_bad_one_is_refused() {
        assert_eq!(ChannelName::parse("general").unwrap(), ChannelName::general());
        assert_eq!(ChannelName::parse("#team/ci.1").unwrap().as_str(), "#team/ci.1");
        for bad in ["", "#", "##a", "#a b", "@bob", "#/x", &format!("#{}", "x".repeat(65))] {
            assert_eq!(ChannelName::parse(bad).unwrap_err().code, ErrorCode::InvalidChannel, "{bad:?}");
        }
    }

    #[test]
    fn a_target_is_an_agent_exactly_when_it_starts_with_an_at() {
        assert_eq!(Target::parse("@bob").unwrap(), Target::Direct(AgentName::parse("bob").unwrap()));
        assert_eq!(Target::parse("bob").unwrap().to_string(), "#bob");
        assert_eq!(Target::parse("@").unwrap_err().code, ErrorCode::InvalidName);
    }
}
