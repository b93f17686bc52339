//! A message on its way through the steps: whom it mentions, how it is appended to the log, and what the log said.

use orochi_protocol::mentions::{self, Mention};
use orochi_protocol::{Refusal, Seq, Target, Timestamp};
use tokio::sync::oneshot;

use super::Accepted;
use crate::registry::{ConnectionId, Roster};
use crate::store::{Appended, Batch, Marks, NewMessage, StoreError, StoredMessage};

/// A message that waits for the commit.
pub(super) struct Pending {
    pub(super) origin: Origin,
    pub(super) target: Target,
    /// The candidates of each mention.
    pub(super) mentions: Vec<Mention>,
    /// The message as the log will hold it; its seq is given when it is appended.
    pub(super) message: Box<StoredMessage>,
    /// A direct message's target, or the mentioned agents without the sender.
    pub(super) addressed: Vec<String>,
    /// What keeps a message of the hub itself from being told twice.
    pub(super) marks: Option<Box<Marks>>,
    /// Set when it has been appended.
    pub(super) outcome: Option<Outcome>,
}

impl Pending {
    /// About how many bytes its texts have.
    pub(super) fn bytes(&self) -> usize {
        let extra = self.message.extra.as_ref().map_or(0, String::len);
        self.message.content.len() + self.message.metadata.len() + extra
    }

    /// Its place in the log, where it was appended.
    pub(super) fn new_seq(&self) -> Option<Seq> {
        matches!(self.outcome, Some(Outcome::New)).then_some(self.message.seq)
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
    pub(super) fn append(&mut self, batch: &mut Batch<'_>, seq: Seq) -> Result<Outcome, StoreError> {
        self.message.seq = seq;
        let now = self.message.ts;
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
pub(super) enum Origin {
    Connection(ConnectionId),
    Http(oneshot::Sender<Result<Accepted, Refusal>>),
}

/// What the store said to a pending message.
pub(super) enum Outcome {
    New,
    Duplicate { seq: Seq, ts: Timestamp },
    IdReused { seq: Seq },
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
