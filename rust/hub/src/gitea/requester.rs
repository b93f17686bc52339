//! Names the requester at the end of texts written to Gitea, so that readers there know whom to contact.

use std::collections::HashMap;
use std::fmt::Write;

use data_encoding::HEXLOWER;
use orochi_protocol::fields::Fields;
use orochi_protocol::{AgentName, ChannelName, Refusal, Seq};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};

use crate::config::Config;

/// The message that led to a request to Gitea. Both fields may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// The message's channel.
    pub channel: Option<ChannelName>,
    /// The message's seq.
    pub seq: Option<Seq>,
}

impl About {
    pub(super) fn from_fields(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let channel = fields.text("channel")?.filter(|text| !text.is_empty());
        let channel = channel.map(|text| ChannelName::parse(&text)).transpose()?;
        Ok(Self { channel, seq: fields.seq("seq")? })
    }
}

/// A request's mark in the text that it creates: an HTML comment. The hub finds the text by it after a lost answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark(String);

impl Mark {
    /// The mark of a requester's id. It is a digest because an id may contain the end of a comment.
    pub(crate) fn new(asker: &str, id: &str) -> Self {
        let digest = digest(&SHA256, format!("{asker}\0{id}").as_bytes());
        let hex = HEXLOWER.encode(&digest.as_ref()[..16]);
        Self(format!("<!-- orochi:{hex} -->"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names of agents and users for Gitea.
#[derive(Debug)]
pub(super) struct Names {
    /// The dashboard's address for people.
    public_url: Option<String>,
    /// Each agent's Gitea user, for `Sudo`.
    users: HashMap<String, String>,
}

impl Names {
    pub(super) fn new(config: &Config) -> Self {
        Self { public_url: config.public_url.clone(), users: config.gitea_users.iter().cloned().collect() }
    }

    /// The Gitea user for an agent's calls.
    pub(super) fn user(&self, agent: &AgentName) -> Option<&str> {
        self.users.get(agent.as_str()).map(String::as_str)
    }

    /// Adds the requester as the last line of a text. The request's mark, which only programs see, comes before. Names
    /// are written as code, where Gitea finds no mentions.
    pub(super) fn sign(&self, text: &str, agent: Option<&AgentName>, about: &About, mark: Option<&Mark>) -> String {
        let mark = mark.map(|mark| format!("{}\n", mark.as_str())).unwrap_or_default();
        let Some(agent) = agent else {
            let gap = if mark.is_empty() { "" } else { "\n\n" };
            return format!("{text}{gap}{}", mark.trim_end());
        };
        let mut signed = text.trim_end().to_owned();
        if !signed.is_empty() {
            signed += "\n\n---\n";
        }
        signed += &mark;
        let _ = write!(signed, "*Asked for by the agent* `{agent}`");
        if let Some(channel) = &about.channel {
            let _ = write!(signed, " *in* `{channel}`");
        }
        if let (Some(base), Some(seq)) = (&self.public_url, about.seq) {
            let channel = about
                .channel
                .as_ref()
                .map(|channel| format!("channel={}&", utf8_percent_encode(channel.as_str(), NON_ALPHANUMERIC)));
            let _ = write!(signed, " ([message {seq}]({base}/#/feed?{}seq={seq}))", channel.unwrap_or_default());
        }
        signed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(text: &str, public_url: Option<&str>, channel: Option<&str>, seq: Option<u64>) -> String {
        let names = Names { public_url: public_url.map(ToOwned::to_owned), users: HashMap::new() };
        let channel = channel.map(|name| ChannelName::parse(name).unwrap());
        let about = About { channel, seq: seq.and_then(Seq::new) };
        names.sign(text, Some(&AgentName::parse("alice").unwrap()), &about, None)
    }

    #[test]
    fn the_last_line_says_who_asked_where_and_on_what() {
        assert_eq!(signed("It fails.\n", None, None, Some(3)), "It fails.\n\n---\n*Asked for by the agent* `alice`");
        assert_eq!(
            signed("x", Some("https://hub.lab"), Some("#builds"), Some(42)),
            "x\n\n---\n*Asked for by the agent* `alice` *in* `#builds` \
             ([message 42](https://hub.lab/#/feed?channel=%23builds&seq=42))"
        );
        assert_eq!(signed("", None, None, None), "*Asked for by the agent* `alice`");
    }

    #[test]
    fn what_nobody_is_named_for_stays_as_it_is() {
        let names = Names { public_url: None, users: HashMap::new() };
        assert_eq!(names.sign("text\n", None, &About::default(), None), "text\n");
    }

    #[test]
    fn mark_of_a_request_stands_where_only_a_program_sees_it() {
        let names = Names { public_url: None, users: HashMap::new() };
        let (alice, mark) = (AgentName::parse("alice").unwrap(), Mark::new("alice", "--> a1"));
        assert_eq!(mark.as_str().matches("--").count(), 2, "{mark:?}");
        assert_ne!(mark, Mark::new("bob", "--> a1"));
        assert_eq!(
            names.sign("x", Some(&alice), &About::default(), Some(&mark)),
            format!("x\n\n---\n{}\n*Asked for by the agent* `alice`", mark.as_str())
        );
        assert_eq!(names.sign("x", None, &About::default(), Some(&mark)), format!("x\n\n{}", mark.as_str()));
    }
}
