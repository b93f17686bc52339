//! A tool's call, put aside while no other part of its request is kept.

use std::sync::{Arc, Mutex, PoisonError};

use crate::tools::{Asked, ToolResult};

/// A request's slot for its call; it travels with the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parked(Arc<Mutex<Place>>);

#[derive(Debug, Default)]
enum Place {
    /// No call was put aside.
    #[default]
    Empty,
    /// The call was found.
    Asked(Asked),
    /// The call has its result.
    Done(ToolResult),
}

impl Parked {
    /// Puts a call aside. Returns its result if there is one already.
    pub(crate) fn park(&self, asked: Asked) -> Option<ToolResult> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *place) {
            Place::Done(result) => Some(result),
            Place::Empty | Place::Asked(_) => {
                *place = Place::Asked(asked);
                None
            }
        }
    }

    /// Takes the call that was put aside.
    pub(crate) fn asked(&self) -> Option<Asked> {
        match std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            Place::Asked(asked) => Some(asked),
            Place::Empty | Place::Done(_) => None,
        }
    }

    /// Stores the call's result.
    pub(crate) fn set(&self, result: ToolResult) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Place::Done(result);
    }
}
