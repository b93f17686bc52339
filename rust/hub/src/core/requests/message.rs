//! `message`: proposed, written in its batch, then delivered and acked. No message is delivered or acked before its
//! commit (section 9, Durability). Over HTTP it is a post.

use orochi_protocol::mentions::{self, Mention};
use orochi_protocol::request::Draft;
use orochi_protocol::{ErrorCode, Refusal, Seq, Target, Timestamp};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::core::Accepted;
use crate::core::ask::Asker;
use crate::core::change::{Applying, Change, Transaction};
use crate::core::command::{Acceptance, in_order};
use crate::core::finish::{Finish, Finished};
use crate::core::outcome::{Appended, Outcome};
use crate::core::router::Router;
use crate::frame::Frame;
use crate::roster::{ConnectionId, Roster, SessionId};
use crate::store::{Appended as Stored, Batch, Marks, Message, Pair, Place, StoreError};

/// A message and its receivers.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    /// The sender's session; None over HTTP.
    session: Option<SessionId>,
    /// The candidates of each mention.
    mentions: Vec<Mention>,
    /// The message to store. Applying sets its time and its seq.
    message: Box<Message>,
    /// A direct message's target, or the mentioned agents without the sender.
    addressed: Vec<String>,
    /// Keys of the event that a message of the hub reports; a message with a known key is a duplicate.
    marks: Option<Box<Marks>>,
}

impl NewMessage {
    /// Turns a draft into a message. Returns the request's id with the refusal if the draft is invalid.
    pub(crate) fn new(
        session: Option<SessionId>,
        sender: String,
        id: String,
        draft: Draft,
        marks: Option<Box<Marks>>,
    ) -> Result<Self, (String, Refusal)> {
        let (place, addressed) = match draft.target {
            Target::Direct(agent) if agent.as_str() == sender => {
                let detail = format!("@{agent} is the sender itself: write to another agent, or to a channel");
                return Err((id, Refusal::new(ErrorCode::InvalidChannel, detail)));
            }
            Target::Direct(agent) => (Place::Conversation(Pair::new(&sender, agent.as_str())), vec![agent.to_string()]),
            // Applying adds the mentioned agents.
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
        Ok(Self { session, mentions: draft.mentions, message, addressed, marks })
    }
}

impl Change for NewMessage {
    fn bytes(&self) -> usize {
        self.message.text_bytes()
    }

    fn is_promised(&self) -> bool {
        true
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        if self.session.is_some_and(|session| to.roster.session_of(session).is_none()) {
            return Outcome::Dropped;
        }
        self.resolve(to.roster, to.ts);
        Outcome::Open
    }

    fn write(&mut self, outcome: &mut Outcome, to: &mut Transaction<'_>) -> Result<(), StoreError> {
        if let Outcome::Open = outcome {
            let seq = to.newest.next();
            let appended = self.append(&mut to.file, seq)?;
            if let Appended::New { seq } = appended {
                to.newest = seq;
            }
            *outcome = Outcome::Message(appended);
        }
        Ok(())
    }
}

impl NewMessage {
    /// Sets the message's time, and resolves its mentions by the agents registered now. The result is stored, so every
    /// later reader gets the same.
    fn resolve(&mut self, roster: &Roster, ts: Timestamp) {
        self.message.ts = ts;
        if self.mentions.is_empty() {
            return;
        }
        let mentioned = mentions::resolve(&self.mentions, |written| roster.spelling(written));
        if let Place::Channel(_) = self.message.place {
            let others = mentioned.iter().filter(|name| **name != self.message.sender);
            self.addressed = others.map(|name| (*name).to_owned()).collect();
        }
        self.message.mentions = serde_json::to_string(&mentioned).expect("a list of names is JSON");
    }

    /// Appends the message at `seq`, unless its id or one of its marks is in the log.
    fn append(&mut self, batch: &mut Batch<'_>, seq: Seq) -> Result<Appended, StoreError> {
        self.message.seq = seq;
        let now = self.message.ts;
        if let Some(marks) = &self.marks
            && let Some((seq, ts)) = batch.told_before(marks, now)?
        {
            batch.mark(marks, seq, now)?;
            return Ok(Appended::Duplicate { seq, ts });
        }
        Ok(match batch.append(&self.message, &self.addressed)? {
            Stored::New => {
                if let Some(marks) = &self.marks {
                    batch.mark(marks, seq, now)?;
                }
                Appended::New { seq }
            }
            Stored::Known(known) if same_content(&known, &self.message) => {
                if let Place::Channel(_) = self.message.place {
                    // The receivers of the first one: names may have been registered since.
                    self.addressed = mentioned_others(&known);
                }
                Appended::Duplicate { seq: known.seq, ts: known.ts }
            }
            Stored::Known(known) => Appended::IdReused { seq: known.seq },
        })
    }
}

impl Finish for NewMessage {
    fn finish(self, finished: Finished<'_>, router: &mut Router) {
        let Finished { outcome, asker, refusal } = finished;
        let Self { message, addressed, .. } = self;
        if let Some(refusal) = refusal {
            return refuse(router, asker, &message.id, refusal);
        }
        let (seq, ts, duplicate) = match outcome {
            Outcome::Message(Appended::New { seq }) => (seq, message.ts, false),
            Outcome::Message(Appended::Duplicate { seq, ts }) => (seq, ts, true),
            Outcome::Message(Appended::IdReused { seq }) => {
                let detail =
                    format!("the id {:?} was used for another message, seq {seq}: give each its own", message.id);
                return refuse(router, asker, &message.id, &Refusal::new(ErrorCode::IdReused, detail));
            }
            // The sender's session ended before this entry: nobody waits.
            _ => return,
        };
        let acceptance = |router: &Router| {
            let known = &router.known;
            let names = in_order(&addressed);
            let delivery = names.iter().map(|name| (*name, known.delivery_state(name, router.hub))).collect();
            let reach = names.iter().filter_map(|name| Some((*name, known.roster.reach(name)?))).collect();
            Acceptance { seq, id: &message.id, ts, delivery, reach, duplicate }
        };
        let answer = match asker {
            Asker::Sender(connection) => {
                let acceptance = acceptance(router);
                Answer::Ack(connection, router.stamper.message_ack(&acceptance))
            }
            Asker::Post(answer) => Answer::Accepted(answer, acceptance(router).into()),
            _ => Answer::Nobody,
        };
        if !duplicate {
            router.set_head(seq);
            router.deliver(message, &addressed);
        }
        answer.send(router);
    }
}

/// The answer to a message's sender. It is made before the delivery, and sent after it.
enum Answer {
    Ack(ConnectionId, Frame),
    Accepted(oneshot::Sender<Result<Accepted, Refusal>>, Accepted),
    Nobody,
}

impl Answer {
    fn send(self, router: &mut Router) {
        match self {
            Answer::Ack(connection, frame) => {
                if let Some(index) = router.answered(connection) {
                    router.stage_reply(index, frame);
                }
            }
            Answer::Accepted(answer, accepted) => {
                // The requester may be gone.
                let _ = answer.send(Ok(accepted));
            }
            Answer::Nobody => {}
        }
    }
}

fn refuse(router: &mut Router, asker: Asker, id: &str, refusal: &Refusal) {
    match asker {
        Asker::Post(answer) => {
            let _ = answer.send(Err(refusal.clone()));
        }
        Asker::Sender(connection) => router.refuse_request(connection, id, refusal),
        _ => {}
    }
}

/// Returns the agents that a channel's message mentions, without its sender.
fn mentioned_others(message: &Message) -> Vec<String> {
    let names: Vec<String> = serde_json::from_str(&message.mentions).unwrap_or_default();
    names.into_iter().filter(|name| *name != message.sender).collect()
}

/// True if both messages with one id have the same content (section 10, ID_REUSED). Metadata that is only written
/// differently, with other spaces for example, is the same.
fn same_content(known: &Message, again: &Message) -> bool {
    known.place == again.place
        && known.content == again.content
        && known.reply_to == again.reply_to
        && same_json(&known.metadata, &again.metadata)
        && same_json(known.extra.as_deref().unwrap_or("{}"), again.extra.as_deref().unwrap_or("{}"))
}

fn same_json(one: &str, other: &str) -> bool {
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || parse(one) == parse(other)
}
