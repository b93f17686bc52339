//! A waiting call, put aside while no other part of its request is kept.

use std::sync::{Arc, Mutex, PoisonError};

use crate::tools::{Asked, Waited};

/// A request's slot for a waiting call; it travels with the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parked(Arc<Mutex<Place>>);

#[derive(Debug, Default)]
enum Place {
    /// No call was put aside.
    #[default]
    Empty,
    /// The call waits.
    Asked(Asked),
    /// The call has its result.
    Waited(Waited),
}

impl Parked {
    /// Puts a call aside. Returns its result if it has waited already.
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

    /// Takes the call that was put aside.
    pub(crate) fn asked(&self) -> Option<Asked> {
        match std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            Place::Asked(asked) => Some(asked),
            Place::Empty | Place::Waited(_) => None,
        }
    }

    /// Stores the call's result.
    pub(crate) fn set(&self, waited: Waited) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Place::Waited(waited);
    }
}
