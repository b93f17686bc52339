//! Calls to another host: their begin and their end are recorded, so that none is made twice (section 8).

use crate::core::CallKey;
use crate::core::ask::Asker;
use crate::core::change::{Applying, Change, Transaction};
use crate::core::finish::{Finish, Finished};
use crate::core::outcome::Outcome;
use crate::core::router::Router;
use crate::store::StoreError;

#[derive(Debug, Clone)]
pub(crate) struct CallBegin {
    pub(crate) key: CallKey,
    /// The call's content. A repeat with the same id must have the same content.
    pub(crate) asked: String,
}

#[derive(Debug, Clone)]
pub(crate) struct CallEnd {
    pub(crate) key: CallKey,
    /// None if the call certainly had no effect.
    pub(crate) answer: Option<String>,
}

impl Change for CallBegin {
    fn is_promised(&self) -> bool {
        true
    }

    fn apply(&mut self, _to: &mut Applying<'_>) -> Outcome {
        Outcome::Open
    }

    fn write(&mut self, outcome: &mut Outcome, to: &mut Transaction<'_>) -> Result<(), StoreError> {
        *outcome = Outcome::Begun(to.file.begin_call(&self.key.asker, &self.key.id, &self.asked, to.ts)?);
        Ok(())
    }
}

impl Finish for CallBegin {
    fn finish(self, finished: Finished<'_>, router: &mut Router) {
        match finished {
            Finished { outcome: Outcome::Begun(call), asker: Asker::Call(answer), refusal: None } => {
                let _ = answer.send(Ok(call));
            }
            other => drop(router.settle(other)),
        }
    }
}

impl Change for CallEnd {
    fn is_promised(&self) -> bool {
        true
    }

    fn apply(&mut self, _to: &mut Applying<'_>) -> Outcome {
        Outcome::Open
    }

    fn write(&mut self, outcome: &mut Outcome, to: &mut Transaction<'_>) -> Result<(), StoreError> {
        to.file.end_call(&self.key.asker, &self.key.id, self.answer.as_deref())?;
        *outcome = Outcome::Done(None);
        Ok(())
    }
}

impl Finish for CallEnd {}
