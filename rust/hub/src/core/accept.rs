//! Messages: ordered, brought to disk together, then delivered and acked. Nobody sees a message, and
//! nobody is told that it was accepted, before its commit (section 9, Durability).

use std::collections::BTreeMap;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::delivery::MessageView;
use orochi_protocol::reply::DeliveryState;
use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, ErrorCode, Refusal, Seq, Target};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::entry::Entry;
use super::message::{Origin, Outcome, Pending};
use super::{Accepted, CoreThread};
use crate::delivery::ring::Recent;
use crate::registry::{ConnectionId, ConnectionIndex};
use crate::store::{Marks, StoredMessage, conversation_key};

impl CoreThread {
    /// Collects an agent's message.
    pub(super) fn collect_message(&mut self, connection: ConnectionId, sender: String, id: String, draft: Draft) {
        self.collect_draft(Origin::Connection(connection), sender, id, draft, None);
    }

    /// Collects a message that came over HTTP.
    pub(super) fn collect_post(
        &mut self,
        sender: &AgentName,
        id: String,
        draft: Draft,
        marks: Box<Marks>,
        answer: oneshot::Sender<Result<Accepted, Refusal>>,
    ) {
        let marks = Some(marks).filter(|marks| **marks != Marks::default());
        self.collect_draft(Origin::Http(answer), sender.to_string(), id, draft, marks);
    }

    fn collect_draft(&mut self, origin: Origin, sender: String, id: String, draft: Draft, marks: Option<Box<Marks>>) {
        let (channel, addressed) = match &draft.target {
            Target::Direct(agent) if agent.as_str() == sender => {
                let detail = format!("@{agent} is the sender itself: write to another agent, or to a channel");
                return self.collect_refusal(origin, id, Refusal::new(ErrorCode::InvalidChannel, detail));
            }
            Target::Direct(agent) => (conversation_key(&sender, agent.as_str()), vec![agent.to_string()]),
            // The mentioned agents are added when the message is applied.
            Target::Channel(channel) => (channel.to_string(), Vec::new()),
        };
        let json = |raw: Box<RawValue>| String::from(Box::<str>::from(raw));
        let message = Box::new(StoredMessage {
            seq: Seq::ZERO,
            id,
            ts: self.stamper.now(),
            channel,
            sender,
            content: draft.content,
            mentions: "[]".to_owned(),
            metadata: draft.metadata.map_or_else(|| "{}".to_owned(), json),
            reply_to: draft.reply_to,
            extra: draft.extra.map(json),
        });
        self.order(Entry::Message(Pending {
            origin,
            target: draft.target,
            mentions: draft.mentions,
            message,
            addressed,
            marks,
            outcome: None,
        }));
    }

    fn collect_refusal(&mut self, origin: Origin, id: String, refusal: Refusal) {
        match origin {
            Origin::Connection(connection) => self.order(Entry::Refused { connection, id, refusal }),
            Origin::Http(answer) => {
                let _ = answer.send(Err(refusal));
            }
        }
    }

    /// After the commit: delivers what is new and answers the sender.
    pub(super) fn finish_message(&mut self, pending: Pending, refusal: Option<&Refusal>) {
        let Pending { origin, target, message, addressed, outcome, .. } = pending;
        if let Some(refusal) = refusal {
            return self.refuse_message(origin, &message.id, refusal);
        }
        let (seq, ts, duplicate) = match outcome {
            Some(Outcome::New) => (message.seq, message.ts, false),
            Some(Outcome::Duplicate { seq, ts }) => (seq, ts, true),
            Some(Outcome::IdReused { seq }) => {
                let detail =
                    format!("the id {:?} was used for another message, seq {seq}: give each its own", message.id);
                return self.refuse_message(origin, &message.id, &Refusal::new(ErrorCode::IdReused, detail));
            }
            // Without an outcome the batch was refused.
            None => return,
        };
        let delivery: BTreeMap<String, DeliveryState> =
            addressed.iter().map(|name| (name.clone(), self.registry.delivery_state(name))).collect();
        let reach = addressed.iter().filter_map(|name| Some((name.clone(), self.registry.reach(name)?))).collect();
        let accepted = Accepted { seq, id: message.id.clone(), ts, delivery, reach, duplicate };
        let answer = match origin {
            Origin::Connection(connection) => Ok((connection, self.stamper.message_ack(&accepted))),
            Origin::Http(answer) => Err((answer, accepted)),
        };
        if !duplicate {
            self.set_head(seq);
            self.deliver(message, &target, &addressed);
        }
        match answer {
            Ok((connection, frame)) => {
                let Some(index) = self.registry.find_connection(connection) else { return };
                self.registry.connection_mut(index).answered += 1;
                self.stage_reply(index, frame);
            }
            Err((answer, accepted)) => {
                // Whoever asked may have gone.
                let _ = answer.send(Ok(accepted));
            }
        }
    }

    /// Stages a message for everyone that it is for: its channel's members, then the mentioned agents that
    /// are not in it, or a direct message's target; and for observers.
    fn deliver(&mut self, message: Box<StoredMessage>, target: &Target, addressed: &[String]) {
        let (frame, observed) = self.frames(&message, target);
        let receivers = self.receivers(&message, target, addressed);
        for index in receivers {
            self.stage_message(index, message.seq, &frame);
        }
        for at in 0..self.registry.observers().len() {
            self.stage_message(self.registry.observers()[at], message.seq, &observed);
        }
        if let Target::Channel(channel) = target {
            self.registry.note_channel(channel.as_str());
        }
        self.waits.wake(addressed, &message.channel);
        self.ring.push(Recent { message, frame, observed });
    }

    fn frames(&mut self, message: &StoredMessage, target: &Target) -> (Utf8Bytes, Utf8Bytes) {
        let ts = self.stamper.written_of(message.ts);
        match target {
            Target::Channel(channel) => {
                let frame: Utf8Bytes = view(message, channel.as_str(), ts).to_frame().into();
                (frame.clone(), frame)
            }
            Target::Direct(_) => {
                let from = format!("@{}", message.sender);
                (view(message, &from, ts).to_frame().into(), view(message, &target.to_string(), ts).to_frame().into())
            }
        }
    }

    fn receivers(&self, message: &StoredMessage, target: &Target, addressed: &[String]) -> Vec<ConnectionIndex> {
        let sender = self.registry.roster.find(&message.sender);
        let mut receivers = Vec::new();
        let mut in_channel = None;
        if let Target::Channel(channel) = target {
            let others = |index: &&ConnectionIndex| self.registry.connection(**index).agent_index() != sender;
            receivers.extend(self.registry.members(channel.as_str()).iter().filter(others));
            in_channel = Some(channel.as_str());
        }
        for name in addressed {
            let Some(agent) = self.registry.roster.find(name) else { continue };
            for index in self.registry.connections_of(agent) {
                let is_member = in_channel.is_some_and(|channel| self.registry.connection(*index).is_in(channel));
                if !is_member {
                    receivers.push(*index);
                }
            }
        }
        receivers
    }

    fn stage_message(&mut self, index: ConnectionIndex, seq: Seq, frame: &Utf8Bytes) {
        let connection = self.registry.connection_mut(index);
        // One that is behind finds the message in the log.
        if connection.is_live && connection.stage_message(seq, frame) {
            self.touched.push(index);
        }
    }

    fn refuse_message(&mut self, origin: Origin, id: &str, refusal: &Refusal) {
        match origin {
            Origin::Http(answer) => {
                let _ = answer.send(Err(refusal.clone()));
            }
            Origin::Connection(connection) => {
                if let Some(index) = self.registry.find_connection(connection) {
                    self.registry.connection_mut(index).answered += 1;
                    self.refuse(index, refusal, Some(id));
                }
            }
        }
    }
}

fn view<'a>(message: &'a StoredMessage, channel: &'a str, ts: &'a str) -> MessageView<'a> {
    MessageView {
        seq: message.seq,
        id: &message.id,
        ts,
        channel,
        sender: &message.sender,
        content: &message.content,
        mentions: &message.mentions,
        metadata: &message.metadata,
        reply_to: message.reply_to,
        extra: message.extra.as_deref(),
    }
}
