//! The end of a session: a connection has closed, or a request that waited over HTTP has ended.

use orochi_protocol::request::EventKind;

use crate::core::change::{Applying, Change};
use crate::core::finish::{Finish, Finished};
use crate::core::outcome::Outcome;
use crate::core::router::Router;
use crate::links::Links;
use crate::roster::{Goodbye, SessionId};

#[derive(Debug, Clone)]
pub(crate) struct Leave {
    session: SessionId,
    goodbye: Goodbye,
}

impl Leave {
    /// The end of a connection, which may have sent a close frame.
    pub(crate) fn of_connection(session: SessionId, links: &Links) -> Self {
        let index = links.find_connection(session.connection);
        let has_goodbye = index.is_some_and(|index| links.connection(index).outbox.has_goodbye());
        Self { session, goodbye: if has_goodbye { Goodbye::Said } else { Goodbye::Missing } }
    }

    /// The end of a request that waited over HTTP.
    pub(crate) fn of_wait(session: SessionId) -> Self {
        Self { session, goodbye: Goodbye::Said }
    }
}

impl Change for Leave {
    fn is_promised(&self) -> bool {
        false
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        let Some(left) = to.roster.leave(self.session, self.goodbye, to.ts) else { return Outcome::Dropped };
        Outcome::Done(left.went_offline.then(|| to.event(EventKind::PresenceChange, left.agent)))
    }
}

impl Finish for Leave {
    fn finish(self, finished: Finished<'_>, router: &mut Router) {
        let Some((event, _)) = router.settle(finished) else { return };
        // Observers have a connection and no session.
        if let Some(index) = router.own_connection(self.session) {
            drop(router.known.links.remove(index));
        }
        if let Some(event) = event {
            tracing::info!(agent = %router.known.roster.agent(event.agent).record.name, "agent offline");
            router.send_event(event);
        }
    }
}
