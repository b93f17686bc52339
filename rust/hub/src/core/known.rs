//! The core's state in memory: the roster, which is the same on every hub, and this hub's links. Answers that need both
//! are computed here.

use std::collections::BTreeMap;

use orochi_protocol::reply::{DeliveryState, ReceiptState};

use crate::links::Links;
use crate::roster::{HubId, Roster};
use crate::store::Message;

/// The roster and the links, which are passed around and read together.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) roster: Roster,
    pub(super) links: Links,
}

impl Known {
    /// Returns the channels and the names of the agents in them.
    pub(super) fn channel_members(&self) -> BTreeMap<String, Vec<String>> {
        self.links.channels().map(|channel| (channel.clone(), self.member_names(channel))).collect()
    }

    /// Returns the names of the agents in a channel, each once, in order.
    pub(super) fn member_names(&self, channel: &str) -> Vec<String> {
        let members = self.links.members(channel).iter();
        let agents = members.filter_map(|index| self.links.connection(*index).agent_index());
        let mut names: Vec<String> = agents.map(|agent| self.roster.agent(agent).record.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the state of an addressed agent, for a message's ack. Registers behind the message in its batch have
    /// already changed the roster, so this hub's links decide for its own connections; the roster decides for requests
    /// that wait over HTTP and for other hubs.
    pub(super) fn delivery_state(&self, name: &str, hub: HubId) -> DeliveryState {
        let Some(index) = self.roster.find(name) else { return DeliveryState::Unknown };
        let mut sessions = self.roster.agent(index).sessions.iter();
        let is_online = !self.links.connections_of(index).is_empty()
            || sessions.any(|session| session.attends || session.id.hub != hub);
        if is_online { DeliveryState::Online } else { DeliveryState::Offline }
    }

    /// Returns the receipt of a message for the agent called `name`.
    pub(super) fn receipt_state(&self, name: &str, message: &Message) -> ReceiptState {
        let Some(index) = self.roster.find(name) else { return ReceiptState::Pending };
        if self.roster.stored_cursor(name).is_some_and(|cursor| cursor >= message.seq) {
            return ReceiptState::Seen;
        }
        let is_offered = self.roster.agent(index).offered() >= message.seq;
        match self.links.was_written(index, message) {
            true if is_offered => ReceiptState::Offered,
            true => ReceiptState::Delivered,
            false => ReceiptState::Pending,
        }
    }
}
