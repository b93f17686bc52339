//! Notes on calls to other hosts. They share the transaction of the turn's messages, and are answered after it.

use orochi_protocol::{Refusal, Timestamp};
use tokio::sync::oneshot;

use super::{CallKey, shutting_down};
use crate::store::{Batch, Call, StoreError};

/// A note that waits for the commit.
pub(super) enum CallNote {
    /// A call begins, unless it was made before.
    Begin { key: CallKey, asked: String, answer: oneshot::Sender<Result<Call, Refusal>> },
    /// A call has ended.
    End { key: CallKey, result: Option<String>, answer: oneshot::Sender<Result<(), Refusal>> },
}

/// What the store said to a note.
pub(super) enum Noted {
    Begun(Call),
    Ended,
}

impl CallNote {
    pub(super) fn write(&self, batch: &mut Batch<'_>, now: Timestamp) -> Result<Noted, StoreError> {
        match self {
            Self::Begin { key, asked, .. } => batch.begin_call(&key.asker, &key.id, asked, now).map(Noted::Begun),
            Self::End { key, result, .. } => {
                batch.end_call(&key.asker, &key.id, result.as_deref()).map(|()| Noted::Ended)
            }
        }
    }

    /// Tells whoever waits what is on disk, or that the disk refused.
    pub(super) fn finish(self, noted: Option<Noted>, refusal: Option<&Refusal>) {
        let refused = || refusal.cloned().unwrap_or_else(shutting_down);
        let noted = noted.filter(|_| refusal.is_none());
        match self {
            Self::Begin { answer, .. } => {
                let begun = match noted {
                    Some(Noted::Begun(call)) => Ok(call),
                    Some(Noted::Ended) | None => Err(refused()),
                };
                drop(answer.send(begun));
            }
            Self::End { answer, .. } => drop(answer.send(noted.map(|_| ()).ok_or_else(refused))),
        }
    }
}
