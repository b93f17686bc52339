//! A hub has started, or is gone. Both are entries, so a crash and a restart are handled in the same way.

use orochi_protocol::Timestamp;
use orochi_protocol::request::EventKind;

use crate::core::change::{Applying, Change, Transaction};
use crate::core::finish::{Finish, Finished};
use crate::core::outcome::Outcome;
use crate::core::router::Router;
use crate::roster::HubId;
use crate::store::StoreError;

#[derive(Debug, Clone)]
pub(crate) struct HubUp {
    pub(crate) hub: HubId,
}

/// A hub has stopped or crashed, or was declared gone.
#[derive(Debug, Clone)]
pub(crate) struct HubGone {
    pub(crate) hub: HubId,
    /// It was alive until then.
    pub(crate) at: Timestamp,
}

impl Change for HubUp {
    fn is_promised(&self) -> bool {
        false
    }

    fn apply(&mut self, _to: &mut Applying<'_>) -> Outcome {
        Outcome::Open
    }

    fn write(&mut self, outcome: &mut Outcome, to: &mut Transaction<'_>) -> Result<(), StoreError> {
        if !to.is_shared {
            to.file.put_hub(self.hub.0)?;
        }
        *outcome = Outcome::Done(None);
        Ok(())
    }
}

impl Finish for HubUp {}

impl Change for HubGone {
    fn is_promised(&self) -> bool {
        false
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        let gone = to.roster.end_hub(self.hub, self.at);
        Outcome::Told(gone.into_iter().map(|agent| to.event(EventKind::PresenceChange, agent)).collect())
    }

    fn write(&mut self, _outcome: &mut Outcome, to: &mut Transaction<'_>) -> Result<(), StoreError> {
        if to.is_shared { to.file.put_gone(self.hub.0) } else { Ok(()) }
    }
}

impl Finish for HubGone {
    fn finish(self, finished: Finished<'_>, router: &mut Router) {
        if self.hub == router.hub {
            // This hub is declared gone: its connections are closed, and get no events about its agents.
            router.is_gone = true;
        } else if let Outcome::Told(events) = finished.outcome {
            events.into_iter().for_each(|event| router.send_event(event));
        }
    }
}
