//! Messages: collected, brought to disk together, then delivered and acked. Nobody sees a message, and
//! nobody is told that it was accepted, before its commit (section 9, Durability).

use std::collections::BTreeMap;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::delivery::MessageView;
use orochi_protocol::mentions::{self, Mention};
use orochi_protocol::reply::{DeliveryState, MessageAck, Ok as AckStatus};
use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, ErrorCode, Refusal, Seq, Target, Timestamp};
use tokio::sync::oneshot;

use super::entry::Entry;
use super::{Accepted, CoreThread};
use crate::delivery::ring::Recent;
use crate::registry::{ConnectionId, ConnectionIndex, Roster};
use crate::store::{Appended, Batch, Marks, NewMessage, StoreError, StoredMessage, conversation_key};

/// A message that waits for the commit.
pub(super) struct Pending {
    origin: Origin,
    target: Target,
    /// The candidates of each mention.
    mentions: Vec<Mention>,
    /// The message as the log will hold it; its seq is given when it is appended.
    pub(super) message: StoredMessage,
    /// A direct message's target, or the mentioned agents without the sender.
    pub(super) addressed: Vec<String>,
    /// What keeps a message of the hub itself from being told twice.
    marks: Option<Box<Marks>>,
    /// Set when it has been appended.
    pub(super) outcome: Option<Outcome>,
}

impl Pending {
    /// Whether an agent said it on this connection.
    pub(super) fn is_from(&self, connection: ConnectionId) -> bool {
        matches!(self.origin, Origin::Connection(origin) if origin == connection)
    }

    /// Decides whom the content mentions, by who is registered now: what is stored and delivered is the same for every
    /// later reader.
    pub(super) fn resolve_mentions(&mut self, roster: &Roster) {
        if self.mentions.is_empty() {
            return;
        }
        let mentioned = mentions::resolve(&self.mentions, |written| roster.spelling(written));
        if let Target::Channel(_) = self.target {
            let others = mentioned.iter().filter(|name| **name != self.message.sender);
            self.addressed = others.map(|name| (*name).to_owned()).collect();
        }
        self.message.mentions = serde_json::to_string(&mentioned).expect("a list of names is JSON");
    }

    /// Appends the message at `seq`, unless its id or one of its marks is in the log.
    pub(super) fn append(&mut self, batch: &mut Batch<'_>, seq: Seq, now: Timestamp) -> Result<Outcome, StoreError> {
        self.message.seq = seq;
        if let Some(marks) = &self.marks
            && let Some((seq, ts)) = batch.told_before(marks, now)?
        {
            batch.mark(marks, seq, now)?;
            return Ok(Outcome::Duplicate { seq, ts });
        }
        let addressed: Vec<&str> = self.addressed.iter().map(String::as_str).collect();
        Ok(match batch.append(&new_message(&self.message, &addressed))? {
            Appended::New => {
                if let Some(marks) = &self.marks {
                    batch.mark(marks, seq, now)?;
                }
                Outcome::New
            }
            Appended::Known(known) if same_content(&known, &self.message) => {
                if let Target::Channel(_) = self.target {
                    // Whom the first one was for: names may have been registered since.
                    self.addressed = mentioned_others(&known);
                }
                Outcome::Duplicate { seq: known.seq, ts: known.ts }
            }
            Appended::Known(known) => Outcome::IdReused { seq: known.seq },
        })
    }
}

/// Who waits for the answer.
enum Origin {
    Connection(ConnectionId),
    Http(oneshot::Sender<Result<Accepted, Refusal>>),
}

/// What the store said to a pending message.
pub(super) enum Outcome {
    New,
    Duplicate { seq: Seq, ts: Timestamp },
    IdReused { seq: Seq },
}

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

    fn collect_draft(
        &mut self,
        origin: Origin,
        sender: String,
        id: String,
        mut draft: Draft,
        marks: Option<Box<Marks>>,
    ) {
        let (channel, addressed) = match &draft.target {
            Target::Direct(agent) if agent.as_str() == sender => {
                let detail = format!("@{agent} is the sender itself: write to another agent, or to a channel");
                return self.collect_refusal(origin, id, Refusal::new(ErrorCode::InvalidChannel, detail));
            }
            Target::Direct(agent) => (conversation_key(&sender, agent.as_str()), vec![agent.to_string()]),
            // The mentioned agents are added when the message is applied.
            Target::Channel(channel) => (channel.to_string(), Vec::new()),
        };
        let json = |raw: &Option<Box<serde_json::value::RawValue>>| raw.as_ref().map(|raw| raw.get().to_owned());
        let message = StoredMessage {
            seq: Seq::ZERO,
            id,
            ts: self.stamper.now(),
            channel,
            sender,
            content: std::mem::take(&mut draft.content),
            mentions: "[]".to_owned(),
            metadata: json(&draft.metadata).unwrap_or_else(|| "{}".to_owned()),
            reply_to: draft.reply_to,
            extra: json(&draft.extra),
        };
        self.entries.push(Entry::Message(Pending {
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
            Origin::Connection(connection) => self.entries.push(Entry::Refused { connection, id, refusal }),
            Origin::Http(answer) => {
                let _ = answer.send(Err(refusal));
            }
        }
    }

    /// After the commit: delivers what is new and answers the sender.
    pub(super) fn finish_message(&mut self, pending: Pending, refusal: Option<&Refusal>) {
        let Pending { origin, target, message, addressed, outcome, .. } = pending;
        let id = message.id.clone();
        if let Some(refusal) = refusal {
            return self.answer(origin, &id, Err(refusal.clone()));
        }
        // A connection that was replaced before it said this has nobody to answer.
        let Some(outcome) = outcome else { return };
        let delivery: BTreeMap<String, DeliveryState> =
            addressed.iter().map(|name| (name.clone(), self.registry.delivery_state(name))).collect();
        let (seq, ts, duplicate) = match outcome {
            Outcome::New => {
                let place = (message.seq, message.ts, false);
                self.set_head(message.seq);
                self.deliver(message, &target, &addressed);
                place
            }
            Outcome::Duplicate { seq, ts } => (seq, ts, true),
            Outcome::IdReused { seq } => {
                let detail = format!("the id {id:?} was used for another message, seq {seq}: give each its own");
                return self.answer(origin, &id, Err(Refusal::new(ErrorCode::IdReused, detail)));
            }
        };
        let accepted = Accepted { seq, id: id.clone(), ts, delivery, duplicate };
        self.answer(origin, &id, Ok(accepted));
    }

    /// Stages a message for everyone that it is for: its channel's members, then the mentioned agents that
    /// are not in it, or a direct message's target; and for observers.
    fn deliver(&mut self, message: StoredMessage, target: &Target, addressed: &[String]) {
        let ts = self.stamper.written().to_owned();
        let (frame, observed) = self.frames(&message, target, &ts);
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
        self.ring.push(Recent { message, frame, observed });
    }

    fn frames(&self, message: &StoredMessage, target: &Target, ts: &str) -> (Utf8Bytes, Utf8Bytes) {
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

    fn answer(&mut self, origin: Origin, id: &str, answer: Result<Accepted, Refusal>) {
        match origin {
            Origin::Http(sender) => {
                let _ = sender.send(answer);
            }
            Origin::Connection(connection) => {
                let Some(index) = self.registry.find_connection(connection) else { return };
                match answer {
                    Ok(accepted) => self.ack_message(index, &accepted),
                    Err(refusal) => self.refuse(index, &refusal, Some(id)),
                }
            }
        }
    }

    fn ack_message(&mut self, index: ConnectionIndex, accepted: &Accepted) {
        let Accepted { seq, id, ts, delivery, duplicate } = accepted;
        let written;
        let ts = if *ts == self.stamper.now() {
            self.stamper.written().to_owned()
        } else {
            written = ts.to_string();
            written
        };
        let ack = MessageAck { status: AckStatus::Ok, r#ref: id, seq: *seq, ts: &ts, delivery, duplicate: *duplicate };
        let frame = self.stamper.frame("ack", &ack);
        self.stage_reply(index, frame);
    }
}

fn new_message<'a>(message: &'a StoredMessage, addressed: &'a [&'a str]) -> NewMessage<'a> {
    NewMessage {
        seq: message.seq,
        id: &message.id,
        ts: message.ts,
        channel: &message.channel,
        sender: &message.sender,
        content: &message.content,
        mentions: &message.mentions,
        metadata: &message.metadata,
        reply_to: message.reply_to,
        extra: message.extra.as_deref(),
        addressed,
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

/// Whom a channel's message mentions besides its sender.
fn mentioned_others(message: &StoredMessage) -> Vec<String> {
    let names: Vec<String> = serde_json::from_str(&message.mentions).unwrap_or_default();
    names.into_iter().filter(|name| *name != message.sender).collect()
}

/// Whether the same id stands for the same message (section 10, ID_REUSED). Metadata written in another
/// way, with other spaces say, is the same.
fn same_content(known: &StoredMessage, again: &StoredMessage) -> bool {
    known.channel == again.channel
        && known.content == again.content
        && known.reply_to == again.reply_to
        && same_json(&known.metadata, &again.metadata)
        && same_json(known.extra.as_deref().unwrap_or("{}"), again.extra.as_deref().unwrap_or("{}"))
}

fn same_json(one: &str, other: &str) -> bool {
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || parse(one) == parse(other)
}
