//! The rule by which messages are for a connection. It is defined over the log, so missed messages can be read from the
//! log at any later time, and are exactly those that would have been delivered live.

use orochi_protocol::Seq;

use crate::store::{Message, Place};

/// The interest of one connection.
#[derive(Debug, Clone)]
pub enum Interest {
    /// An observer: everything.
    Everything,
    /// An agent's connection.
    Agent(AgentInterest),
}

/// The interest of an agent's connection: messages of its channels while it is in them, and mentions and direct
/// messages everywhere.
#[derive(Debug, Clone)]
pub struct AgentInterest {
    /// The agent. It never gets its own messages.
    pub name: String,
    /// Mentions and direct messages count after this seq.
    pub addressed_after: Seq,
    /// The connection's stays in each channel, by name. Most connections are in a few channels, for which a map would
    /// need several times the memory.
    channels: Vec<(String, Membership)>,
}

/// The stays of a connection in one channel: each after `from`, up to and including `until`.
#[derive(Debug, Clone, Default)]
struct Membership {
    /// The start of the present stay.
    open_after: Option<Seq>,
    /// Earlier stays that the connection may still have to be served.
    closed: Vec<(Seq, Seq)>,
}

impl Interest {
    /// The approximate memory that it needs.
    pub fn bytes(&self) -> usize {
        match self {
            Interest::Everything => 0,
            Interest::Agent(agent) => agent.bytes(),
        }
    }

    /// True if this message of the log is for the connection.
    pub fn wants(&self, message: &Message) -> bool {
        match self {
            Interest::Everything => true,
            Interest::Agent(agent) => agent.wants(message),
        }
    }
}

impl AgentInterest {
    /// An interest in mentions and direct messages after `addressed_after`, without channels.
    pub fn new(name: &str, addressed_after: Seq) -> Self {
        Self { name: name.to_owned(), addressed_after, channels: Vec::new() }
    }

    fn bytes(&self) -> usize {
        let of_channel = |(name, membership): &(String, Membership)| {
            size_of::<(String, Membership)>() + name.len() + membership.closed.len() * size_of::<(Seq, Seq)>()
        };
        size_of::<Self>() + self.name.len() + self.channels.iter().map(of_channel).sum::<usize>()
    }

    /// Adds a channel, for messages after `after`. Returns false if the connection was in it already.
    pub fn join(&mut self, channel: &str, after: Seq) -> bool {
        let at = self.find(channel).unwrap_or_else(|at| {
            self.channels.insert(at, (channel.to_owned(), Membership::default()));
            at
        });
        let membership = &mut self.channels[at].1;
        if membership.open_after.is_some() {
            return false;
        }
        membership.open_after = Some(after);
        true
    }

    /// Leaves a channel; messages up to `until` are still for the connection. Returns false if it was not in the
    /// channel.
    pub fn leave(&mut self, channel: &str, until: Seq) -> bool {
        let Ok(at) = self.find(channel) else { return false };
        let membership = &mut self.channels[at].1;
        let Some(from) = membership.open_after.take() else { return false };
        membership.closed.push((from, until));
        true
    }

    /// Drops stays that ended at or before `position`: they have been served.
    pub fn served(&mut self, position: Seq) {
        for (_, membership) in &mut self.channels {
            membership.closed.retain(|(_, until)| *until > position);
        }
        self.channels.retain(|(_, membership)| membership.open_after.is_some() || !membership.closed.is_empty());
    }

    /// The number of past stays that may still have to be served.
    pub fn past_stays(&self) -> usize {
        self.channels.iter().map(|(_, membership)| membership.closed.len()).sum()
    }

    /// Returns the channels that the connection is in now.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().filter(|(_, m)| m.open_after.is_some()).map(|(channel, _)| channel.as_str())
    }

    /// True if the connection is in `channel` now.
    pub fn is_in(&self, channel: &str) -> bool {
        self.membership(channel).is_some_and(|m| m.open_after.is_some())
    }

    /// The seq up to which only mentions and direct messages can be for the connection; None if it is in no channel. Up
    /// to this seq the index of addressed messages is read, not the whole log.
    pub fn channels_after(&self) -> Option<Seq> {
        let starts = |m: &Membership| m.open_after.into_iter().chain(m.closed.iter().map(|(from, _)| *from)).min();
        self.channels.iter().filter_map(|(_, membership)| starts(membership)).min()
    }

    /// The index of a channel, or the one at which it would be inserted.
    fn find(&self, channel: &str) -> Result<usize, usize> {
        self.channels.binary_search_by(|(name, _)| name.as_str().cmp(channel))
    }

    fn membership(&self, channel: &str) -> Option<&Membership> {
        self.find(channel).ok().map(|at| &self.channels[at].1)
    }

    fn wants(&self, message: &Message) -> bool {
        if message.sender == self.name {
            return false;
        }
        match &message.place {
            Place::Conversation(pair) => message.seq > self.addressed_after && pair.partner(&self.name).is_some(),
            Place::Channel(_) | Place::Other(_) => {
                self.wants_of_channel(message.place.as_str(), message.seq)
                    || (message.seq > self.addressed_after && mentions(&message.mentions, &self.name))
            }
        }
    }

    fn wants_of_channel(&self, channel: &str, seq: Seq) -> bool {
        self.membership(channel).is_some_and(|membership| {
            membership.open_after.is_some_and(|after| seq > after)
                || membership.closed.iter().any(|(from, until)| seq > *from && seq <= *until)
        })
    }
}

/// True if a JSON list of names has this one. A name needs no escape in JSON, so its quoted form is in the list exactly
/// if the name is.
fn mentions(list: &str, name: &str) -> bool {
    list.len() > name.len()
        && list.match_indices(name).any(|(at, _)| list[..at].ends_with('"') && list[at + name.len()..].starts_with('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orochi_protocol::Timestamp;

    fn message(seq: u64, channel: &str, sender: &str, mentions: &str) -> Message {
        Message {
            seq: Seq::new(seq).unwrap(),
            id: String::new(),
            ts: Timestamp::from_micros(0),
            place: Place::parse(channel),
            sender: sender.into(),
            content: String::new(),
            mentions: mentions.into(),
            metadata: "{}".into(),
            reply_to: None,
            extra: None,
        }
    }

    fn seq(n: u64) -> Seq {
        Seq::new(n).unwrap()
    }

    #[test]
    fn a_member_gets_its_channel_from_joining_to_leaving_and_mentions_everywhere() {
        let mut interest = AgentInterest::new("bob", seq(3));
        interest.join("#a", seq(5));
        interest.leave("#a", seq(7));
        interest.join("#a", seq(9));
        let wanted: Vec<u64> = (1..=12).filter(|n| interest.wants(&message(*n, "#a", "alice", "[]"))).collect();
        assert_eq!(wanted, [6, 7, 10, 11, 12]);
        let wanted: Vec<u64> =
            (1..=6).filter(|n| interest.wants(&message(*n, "#b", "alice", r#"["x","bob"]"#))).collect();
        assert_eq!(wanted, [4, 5, 6]);
    }

    #[test]
    fn a_name_inside_another_is_no_mention() {
        let interest = AgentInterest::new("bob", Seq::ZERO);
        assert!(!interest.wants(&message(1, "#b", "alice", r#"["bobby","rebob","bob-2"]"#)));
    }

    #[test]
    fn a_conversation_is_for_its_two_sides_and_never_for_the_sender() {
        let bob = AgentInterest::new("bob", Seq::ZERO);
        assert!(bob.wants(&message(1, "@alice @bob", "alice", "[]")));
        assert!(!bob.wants(&message(1, "@alice @bob", "bob", "[]")));
        assert!(!bob.wants(&message(1, "@alice @carol", "alice", r#"["bob"]"#)));
    }
}
