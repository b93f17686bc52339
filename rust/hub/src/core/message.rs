//! A message as an entry: its mentions, and its append to the log.

use orochi_protocol::mentions::{self, Mention};
use orochi_protocol::{Seq, Timestamp};

use super::outcome::Appended;
use crate::roster::{Roster, SessionId};
use crate::store::{Appended as Stored, Batch, Marks, Message, Place, StoreError};

/// A message and its receivers.
#[derive(Debug, Clone)]
pub(super) struct NewMessage {
    /// The sender's session; None over HTTP.
    pub(super) session: Option<SessionId>,
    /// The candidates of each mention.
    pub(super) mentions: Vec<Mention>,
    /// The message to store. Applying sets its time and its seq.
    pub(super) message: Box<Message>,
    /// A direct message's target, or the mentioned agents without the sender.
    pub(super) addressed: Vec<String>,
    /// Keys of the event that a message of the hub reports; a message with a known key is a duplicate.
    pub(super) marks: Option<Box<Marks>>,
}

impl NewMessage {
    /// The approximate size of its texts.
    pub(super) fn bytes(&self) -> usize {
        self.message.text_bytes()
    }

    /// Sets the message's time, and resolves its mentions by the agents registered now. The result is stored, so every
    /// later reader gets the same.
    pub(super) fn resolve(&mut self, roster: &Roster, ts: Timestamp) {
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
    pub(super) fn append(&mut self, batch: &mut Batch<'_>, seq: Seq) -> Result<Appended, StoreError> {
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
                Appended::New
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
