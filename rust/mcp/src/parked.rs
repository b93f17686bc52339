//! A call that waits, put aside while nothing else of its request needs to be kept.

use std::sync::{Arc, Mutex, PoisonError};

use crate::tools::{Asked, Waited};

/// A request's place for a call that waits; it travels with the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parked(Arc<Mutex<Place>>);

#[derive(Debug, Default)]
enum Place {
    /// Nothing was found yet.
    #[default]
    Empty,
    /// The call waits.
    Asked(Asked),
    /// It has waited.
    Waited(Waited),
}

impl Parked {
    /// Puts a call aside; gives its result where it has waited already.
    pub(crate) fn park(&self, asked: Asked) -> Option<Waited> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *place) {
            Place::Waited(waited) => Some(waited),
            Place::Empty | Place::Asked(_) => {
                *place = Place::Asked(asked);
                None
            }
        }
    }

    /// The call that was put aside.
    pub(crate) fn asked(&self) -> Option<Asked> {
        match std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            Place::Asked(asked) => Some(asked),
            Place::Empty | Place::Waited(_) => None,
        }
    }

    /// The call has waited.
    pub(crate) fn set(&self, waited: Waited) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Place::Waited(waited);
    }
}
