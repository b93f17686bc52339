//! Receipts: how far a message got with each agent (section 9, Receipts).

use std::collections::BTreeMap;

use orochi_protocol::reply::ReceiptsAnswer;
use orochi_protocol::{AgentName, ErrorCode, Refusal};

use super::router::Router;
use crate::store::Message;

impl Router {
    /// Returns the state of each agent that the message is for: a direct message's target, or the mentioned agents and
    /// the channel's present members, but never the sender. Only the two sides may request the receipts of a direct
    /// message.
    pub(super) fn receipts(&self, asker: Option<&AgentName>, message: &Message) -> Result<ReceiptsAnswer, Refusal> {
        let names = match message.receiver() {
            Some(target) => {
                if asker.is_some_and(|asker| !message.is_visible_to(asker.as_str())) {
                    let detail = format!("message {} is a direct message between two other agents", message.seq);
                    return Err(Refusal::new(ErrorCode::Forbidden, detail));
                }
                vec![target.to_owned()]
            }
            None => {
                let mut names: Vec<String> = serde_json::from_str(&message.mentions).unwrap_or_default();
                names.extend(self.known.member_names(message.place.as_str()));
                names
            }
        };
        let others = names.into_iter().filter(|name| *name != message.sender);
        let agents: BTreeMap<_, _> = others
            .map(|name| {
                let state = self.known.receipt_state(&name, message);
                (name, state)
            })
            .collect();
        Ok(ReceiptsAnswer { seq: message.seq, agents, more: None, r#ref: None })
    }
}
