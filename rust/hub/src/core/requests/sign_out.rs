//! A dashboard login is signed out (section 7).

use crate::core::change::{Applying, Change, Transaction};
use crate::core::finish::Finish;
use crate::core::outcome::Outcome;
use crate::store::StoreError;

#[derive(Debug, Clone)]
pub(crate) struct SignOut {
    pub(crate) nonce: String,
    /// The time at which the login would have expired, in seconds since 1970.
    pub(crate) until: i64,
}

impl Change for SignOut {
    fn is_promised(&self) -> bool {
        true
    }

    fn apply(&mut self, _to: &mut Applying<'_>) -> Outcome {
        Outcome::Open
    }

    fn write(&mut self, outcome: &mut Outcome, to: &mut Transaction<'_>) -> Result<(), StoreError> {
        to.file.end_login(&self.nonce, self.until)?;
        *outcome = Outcome::Done(None);
        Ok(())
    }
}

impl Finish for SignOut {}
