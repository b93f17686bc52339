//! Messages: proposed, written in batches, then delivered and acked. No message is delivered or acked before its commit
//! (section 9, Durability).

use std::collections::BTreeMap;

use orochi_protocol::reply::DeliveryState;
use orochi_protocol::request::Draft;
use orochi_protocol::{ErrorCode, Refusal, Seq, Target, Timestamp};
use serde_json::value::RawValue;

use super::Accepted;
use super::ask::Asker;
use super::message::NewMessage;
use super::outcome::{Appended, Outcome};
use super::router::Router;
use crate::delivery::ring::Recent;
use crate::delivery::view::{self, Viewer};
use crate::frame::Frame;
use crate::links::ConnectionIndex;
use crate::roster::SessionId;
use crate::store::{Marks, Message, Pair, Place};

impl Router {
    /// After the commit: delivers a new message, and answers its sender.
    pub(super) fn finish_message(
        &mut self,
        new: NewMessage,
        outcome: &Outcome,
        asker: Asker,
        refusal: Option<&Refusal>,
    ) {
        let NewMessage { message, addressed, .. } = new;
        if let Some(refusal) = refusal {
            return self.refuse_message(asker, &message.id, refusal);
        }
        let (seq, ts, duplicate) = match outcome {
            Outcome::Message(Appended::New) => (message.seq, message.ts, false),
            Outcome::Message(Appended::Duplicate { seq, ts }) => (*seq, *ts, true),
            Outcome::Message(Appended::IdReused { seq }) => {
                let detail =
                    format!("the id {:?} was used for another message, seq {seq}: give each its own", message.id);
                return self.refuse_message(asker, &message.id, &Refusal::new(ErrorCode::IdReused, detail));
            }
            // The sender's session ended before this entry: nobody waits.
            _ => return,
        };
        let accepted = || {
            let (known, hub) = (&self.known, self.hub);
            let delivery: BTreeMap<String, DeliveryState> =
                addressed.iter().map(|name| (name.clone(), known.delivery_state(name, hub))).collect();
            let reach = addressed.iter().filter_map(|name| Some((name.clone(), known.roster.reach(name)?))).collect();
            Accepted { seq, id: message.id.clone(), ts, delivery, reach, duplicate }
        };
        let answer = match asker {
            Asker::Sender(connection) => {
                let accepted = accepted();
                Some(Ok((connection, self.stamper.message_ack(&accepted))))
            }
            Asker::Post(answer) => Some(Err((answer, accepted()))),
            _ => None,
        };
        if !duplicate {
            self.set_head(seq);
            self.deliver(message, &addressed);
        }
        match answer {
            Some(Ok((connection, frame))) => {
                let Some(index) = self.answered(connection) else { return };
                self.stage_reply(index, frame);
            }
            Some(Err((answer, accepted))) => {
                // The requester may be gone.
                let _ = answer.send(Ok(accepted));
            }
            None => {}
        }
    }

    /// Stages a message for its receivers: the channel's members, mentioned agents outside the channel, or a direct
    /// message's target; and for observers.
    fn deliver(&mut self, message: Box<Message>, addressed: &[String]) {
        let (frame, observed) = self.frames(&message);
        let receivers = self.receivers(&message, addressed);
        for index in receivers {
            self.stage_message(index, message.seq, &frame);
        }
        for at in 0..self.known.links.observers().len() {
            self.stage_message(self.known.links.observers()[at], message.seq, &observed);
        }
        if let Place::Channel(channel) = &message.place {
            self.known.links.note_channel(channel.as_str());
        }
        self.waits.wake(addressed, message.place.as_str());
        self.ring.push(Recent { message, frame, observed });
    }

    /// The message's frame for agents, and its frame for observers, who see a direct message's channel otherwise.
    fn frames(&mut self, message: &Message) -> (Frame, Frame) {
        let ts = self.stamper.written_of(message.ts);
        let frame = |viewer: Viewer<'_>| {
            let channel = view::channel_seen(&message.place, &message.sender, viewer);
            Frame::from(view::of(message, channel, ts).to_frame())
        };
        let observed = frame(Viewer::Observer);
        match message.receiver() {
            Some(receiver) => (frame(Viewer::Agent(receiver)), observed),
            None => (observed.clone(), observed),
        }
    }

    fn receivers(&self, message: &Message, addressed: &[String]) -> Vec<ConnectionIndex> {
        let sender = self.known.roster.find(&message.sender);
        let mut receivers = Vec::new();
        let mut in_channel = None;
        if let Place::Channel(channel) = &message.place {
            let others = |index: &&ConnectionIndex| self.known.links.connection(**index).agent_index() != sender;
            receivers.extend(self.known.links.members(channel.as_str()).iter().filter(others));
            in_channel = Some(channel.as_str());
        }
        for name in addressed {
            let Some(agent) = self.known.roster.find(name) else { continue };
            for index in self.known.links.connections_of(agent) {
                let is_member = in_channel.is_some_and(|channel| self.known.links.connection(*index).is_in(channel));
                if !is_member {
                    receivers.push(*index);
                }
            }
        }
        receivers
    }

    fn stage_message(&mut self, index: ConnectionIndex, seq: Seq, frame: &Frame) {
        let connection = self.known.links.connection_mut(index);
        // A connection that is behind reads the message from the log.
        if connection.is_live && connection.stage_message(seq, frame) {
            self.touched.push(index);
        }
    }

    fn refuse_message(&mut self, asker: Asker, id: &str, refusal: &Refusal) {
        match asker {
            Asker::Post(answer) => {
                let _ = answer.send(Err(refusal.clone()));
            }
            Asker::Sender(connection) => self.refuse_request(connection, id, refusal),
            _ => {}
        }
    }
}

/// Turns a draft into a message. Returns the request's id with the refusal if the draft is invalid.
pub(super) fn message(
    session: Option<SessionId>,
    sender: String,
    id: String,
    draft: Draft,
    marks: Option<Box<Marks>>,
) -> Result<NewMessage, (String, Refusal)> {
    let (place, addressed) = match draft.target {
        Target::Direct(agent) if agent.as_str() == sender => {
            let detail = format!("@{agent} is the sender itself: write to another agent, or to a channel");
            return Err((id, Refusal::new(ErrorCode::InvalidChannel, detail)));
        }
        Target::Direct(agent) => (Place::Conversation(Pair::new(&sender, agent.as_str())), vec![agent.to_string()]),
        // `NewMessage::resolve` adds the mentioned agents.
        Target::Channel(channel) => (Place::Channel(channel), Vec::new()),
    };
    let json = |raw: Box<RawValue>| String::from(Box::<str>::from(raw));
    let message = Box::new(Message {
        seq: Seq::ZERO,
        id,
        ts: Timestamp::from_micros(0),
        place,
        sender,
        content: draft.content,
        mentions: "[]".to_owned(),
        metadata: draft.metadata.map_or_else(|| "{}".to_owned(), json),
        reply_to: draft.reply_to,
        extra: draft.extra.map(json),
    });
    Ok(NewMessage { session, mentions: draft.mentions, message, addressed, marks })
}
