//! Notes on calls to other hosts. They share the transaction of the turn's messages, and are answered after it.

use orochi_protocol::{Refusal, Timestamp};
use tokio::sync::oneshot;

use super::{CallKey, unavailable};
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

    /// Tells whoever waits that the note is on disk.
    pub(super) fn written(self, noted: Noted) {
        match (self, noted) {
            (Self::Begin { answer, .. }, Noted::Begun(call)) => drop(answer.send(Ok(call))),
            (Self::End { answer, .. }, Noted::Ended) => drop(answer.send(Ok(()))),
            (Self::Begin { .. }, Noted::Ended) | (Self::End { .. }, Noted::Begun(_)) => {}
        }
    }

    /// Tells whoever waits that the disk refused.
    pub(super) fn refused(self, error: &StoreError) {
        match self {
            Self::Begin { answer, .. } => drop(answer.send(Err(unavailable(error)))),
            Self::End { answer, .. } => drop(answer.send(Err(unavailable(error)))),
        }
    }
}
