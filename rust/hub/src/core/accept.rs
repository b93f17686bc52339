//! Messages: collected, brought to disk together, then delivered and acked. Nobody sees a message, and
//! nobody is told that it was accepted, before its commit (section 9, Durability).

use std::collections::BTreeMap;

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::delivery::MessageView;
use orochi_protocol::reply::{DeliveryState, MessageAck, Ok as AckStatus};
use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, ErrorCode, Refusal, Seq, Target, Timestamp, mentions};
use tokio::sync::oneshot;

use super::calls::{CallNote, Noted};
use super::ring::Recent;
use super::{Accepted, CoreThread, unavailable};
use crate::registry::{ConnectionId, ConnectionIndex};
use crate::store::{Appended, Batch, Marks, NewMessage, StoreError, StoredMessage, conversation_key};

/// A message that waits for the commit.
pub(super) struct Pending {
    origin: Origin,
    draft: Draft,
    /// The message as the log will hold it; its seq is given when it is appended.
    message: StoredMessage,
    /// A direct message's target, or the mentioned agents without the sender.
    addressed: Vec<String>,
    marks: Marks,
}

/// Who waits for the answer.
enum Origin {
    Connection(ConnectionId),
    Http(oneshot::Sender<Result<Accepted, Refusal>>),
}

/// What the store said to a pending message.
enum Outcome {
    New,
    Duplicate { seq: Seq, ts: Timestamp },
    IdReused { seq: Seq },
}

impl CoreThread {
    /// Collects an agent's message.
    pub(super) fn collect_message(&mut self, connection: ConnectionId, sender: &str, id: String, draft: Draft) {
        self.collect(Origin::Connection(connection), sender, id, draft, Marks::default());
    }

    /// Collects a message that came over HTTP.
    pub(super) fn collect_post(
        &mut self,
        sender: AgentName,
        id: String,
        draft: Draft,
        marks: Marks,
        answer: oneshot::Sender<Result<Accepted, Refusal>>,
    ) {
        self.collect(Origin::Http(answer), sender.as_str(), id, draft, marks);
    }

    fn collect(&mut self, origin: Origin, sender: &str, id: String, mut draft: Draft, marks: Marks) {
        // Decided here, once: what is stored and delivered is the same for every later reader.
        let mentioned = mentions::resolve(&draft.mentions, |written| self.registry.spelling(written));
        let (channel, addressed) = match &draft.target {
            Target::Direct(agent) if agent.as_str() == sender => {
                let detail = format!("@{agent} is the sender itself: write to another agent, or to a channel");
                let refusal = Refusal::new(ErrorCode::InvalidChannel, detail);
                return self.answer(origin, &id, Err(refusal));
            }
            Target::Direct(agent) => (conversation_key(sender, agent.as_str()), vec![agent.to_string()]),
            Target::Channel(channel) => {
                let others = mentioned.iter().filter(|name| **name != sender);
                (channel.to_string(), others.map(|name| (*name).to_owned()).collect())
            }
        };
        let json = |raw: &Option<Box<serde_json::value::RawValue>>| raw.as_ref().map(|raw| raw.get().to_owned());
        let mentions = if mentioned.is_empty() {
            "[]".to_owned()
        } else {
            serde_json::to_string(&mentioned).expect("a list of names is JSON")
        };
        let message = StoredMessage {
            seq: Seq::ZERO,
            id,
            ts: self.stamper.now(),
            channel,
            sender: sender.to_owned(),
            content: std::mem::take(&mut draft.content),
            mentions,
            metadata: json(&draft.metadata).unwrap_or_else(|| "{}".to_owned()),
            reply_to: draft.reply_to,
            extra: json(&draft.extra),
        };
        self.pending.push(Pending { origin, draft, message, addressed, marks });
    }

    /// Brings the pending messages and the due agents' records to disk in one transaction, then delivers
    /// and answers. Where the disk refuses, all of them are refused and no seq is used.
    pub(super) fn commit(&mut self) {
        let nothing = self.pending.is_empty() && self.calls.is_empty() && self.after_commit.is_empty();
        if nothing && !self.registry.must_write() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let calls = std::mem::take(&mut self.calls);
        let after_commit = std::mem::take(&mut self.after_commit);
        match self.write(pending, &calls) {
            Ok((written, noted)) => {
                self.registry.records_written();
                for (pending, outcome) in written {
                    self.finish(pending, outcome);
                }
                for (note, noted) in calls.into_iter().zip(noted) {
                    note.written(noted);
                }
                for ack in after_commit {
                    self.ack(ack.connection, &ack.id);
                }
            }
            Err((pending, error)) => {
                tracing::error!(%error, messages = pending.len(), "the log refused a batch; its senders are told");
                let refusal = unavailable(&error);
                for pending in pending {
                    self.answer(pending.origin, &pending.message.id, Err(refusal.clone()));
                }
                for note in calls {
                    note.refused(&error);
                }
                for ack in after_commit {
                    self.refuse(ack.connection, &refusal, Some(&ack.id));
                }
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "the pending messages come back with the error, to be answered")]
    fn write(
        &mut self,
        mut pending: Vec<Pending>,
        calls: &[CallNote],
    ) -> Result<(Vec<(Pending, Outcome)>, Vec<Noted>), (Vec<Pending>, StoreError)> {
        match self.try_write(&mut pending, calls) {
            Ok((outcomes, noted, head)) => {
                self.set_head(head);
                Ok((pending.into_iter().zip(outcomes).collect(), noted))
            }
            Err(error) => Err((pending, error)),
        }
    }

    fn try_write(
        &mut self,
        pending: &mut [Pending],
        calls: &[CallNote],
    ) -> Result<(Vec<Outcome>, Vec<Noted>, Seq), StoreError> {
        let (mut head, now) = (self.head, self.stamper.now());
        let (records, states) = (self.registry.due_records(), self.registry.due_states());
        self.on_disk(|store| {
            let mut outcomes = Vec::with_capacity(pending.len());
            let mut batch = store.begin()?;
            for one in pending.iter_mut() {
                let outcome = append(&mut batch, one, head.next(), now)?;
                if matches!(outcome, Outcome::New) {
                    head = head.next();
                }
                outcomes.push(outcome);
            }
            for record in &records {
                batch.put_agent(record)?;
            }
            for (agent, state) in &states {
                batch.put_state(agent, state, now)?;
            }
            let noted = calls.iter().map(|note| note.write(&mut batch, now)).collect::<Result<_, _>>()?;
            batch.commit()?;
            Ok((outcomes, noted, head))
        })
    }

    /// After the commit: delivers what is new and answers the sender.
    fn finish(&mut self, pending: Pending, outcome: Outcome) {
        let Pending { origin, draft, message, addressed, marks: _ } = pending;
        let id = message.id.clone();
        let delivery: BTreeMap<String, DeliveryState> =
            addressed.iter().map(|name| (name.clone(), self.registry.delivery_state(name))).collect();
        let (seq, ts, duplicate) = match outcome {
            Outcome::New => {
                let place = (message.seq, message.ts, false);
                self.deliver(message, &draft.target, &addressed);
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
        let sender = self.registry.find(&message.sender);
        let mut receivers = Vec::new();
        let mut in_channel = None;
        if let Target::Channel(channel) = target {
            let others = |index: &&ConnectionIndex| self.registry.connection(**index).agent_index() != sender;
            receivers.extend(self.registry.members(channel.as_str()).iter().filter(others));
            in_channel = Some(channel.as_str());
        }
        for name in addressed {
            let Some(agent) = self.registry.find(name) else { continue };
            for index in &self.registry.agent(agent).connections {
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

/// Appends a message at `seq`, unless its id or one of its marks is in the log.
fn append(batch: &mut Batch<'_>, one: &mut Pending, seq: Seq, now: Timestamp) -> Result<Outcome, StoreError> {
    one.message.seq = seq;
    let has_marks = one.marks != Marks::default();
    if has_marks && let Some((seq, ts)) = batch.told_before(&one.marks, now)? {
        batch.mark(&one.marks, seq, now)?;
        return Ok(Outcome::Duplicate { seq, ts });
    }
    let addressed: Vec<&str> = one.addressed.iter().map(String::as_str).collect();
    Ok(match batch.append(&new_message(&one.message, &addressed))? {
        Appended::New => {
            if has_marks {
                batch.mark(&one.marks, seq, now)?;
            }
            Outcome::New
        }
        Appended::Known(known) if same_content(&known, &one.message) => {
            if let Target::Channel(_) = one.draft.target {
                // Whom the first one was for: names may have been registered since.
                one.addressed = mentioned_others(&known);
            }
            Outcome::Duplicate { seq: known.seq, ts: known.ts }
        }
        Appended::Known(known) => Outcome::IdReused { seq: known.seq },
    })
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
}

fn same_json(one: &str, other: &str) -> bool {
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || parse(one) == parse(other)
}
