//! `unsubscribe`: a session leaves a channel (section 5).

use orochi_protocol::request::Unsubscribe;
use orochi_protocol::{ChannelName, Refusal};

use crate::core::change::{Applying, Change};
use crate::core::finish::Finish;
use crate::core::outcome::Outcome;
use crate::core::router::Router;
use crate::links::Links;
use crate::roster::SessionId;

#[derive(Debug, Clone)]
pub(crate) struct Part {
    session: SessionId,
    channel: ChannelName,
}

impl Part {
    /// Refuses a connection that joins and leaves too often without reading.
    pub(crate) fn new(session: SessionId, unsubscribe: Unsubscribe, links: &mut Links) -> Result<Self, Refusal> {
        links.check_stays(session.connection)?;
        Ok(Self { session, channel: unsubscribe.channel })
    }
}

impl Change for Part {
    fn is_promised(&self) -> bool {
        false
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        if to.roster.session_of(self.session).is_none() {
            return Outcome::Dropped;
        }
        to.roster.set_channel(self.session, self.channel.as_str(), None);
        Outcome::Done(None)
    }
}

impl Finish for Part {
    fn change_links(&self, router: &mut Router) {
        if let Some(index) = router.own_connection(self.session) {
            router.known.links.leave(index, self.channel.as_str(), router.head);
        }
    }
}
