//! `status_update`: an agent reports what it is doing, on a connection or over HTTP (sections 5, 7 and 9, Status).

use orochi_protocol::AgentName;
use orochi_protocol::request::{EventKind, StatusUpdate};

use crate::core::change::{Applying, Change};
use crate::core::finish::Finish;
use crate::core::outcome::Outcome;
use crate::roster::SessionId;

#[derive(Debug, Clone)]
pub(crate) struct NewStatus {
    pub(crate) whose: Whose,
    pub(crate) update: Box<StatusUpdate>,
}

/// The sender of a status: a session, or an agent's name over HTTP.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    Session(SessionId),
    Name(AgentName),
}

impl Change for NewStatus {
    fn is_promised(&self) -> bool {
        matches!(self.whose, Whose::Name(_))
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        let agent = match &self.whose {
            Whose::Name(name) => to.named(name),
            Whose::Session(session) => {
                let Some(agent) = to.roster.session_of(*session) else { return Outcome::Dropped };
                agent
            }
        };
        to.roster.update_status(agent, std::mem::take(&mut self.update), to.ts);
        Outcome::Done(Some(to.event(EventKind::StatusUpdate, agent)))
    }
}

impl Finish for NewStatus {}
