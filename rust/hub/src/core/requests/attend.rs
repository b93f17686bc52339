//! A request waits over HTTP in an agent's name (section 7). The agent is online as long as it waits;
//! [`super::leave`] has the end.

use orochi_protocol::AgentName;
use orochi_protocol::request::EventKind;

use crate::core::change::{Applying, Change};
use crate::core::finish::Finish;
use crate::core::outcome::Outcome;
use crate::roster::SessionId;

#[derive(Debug, Clone)]
pub(crate) struct Attend {
    pub(crate) session: SessionId,
    pub(crate) name: AgentName,
}

impl Change for Attend {
    fn is_promised(&self) -> bool {
        false
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        let agent = to.named(&self.name);
        let came_online = to.roster.attend(self.session, agent, to.ts);
        Outcome::Done(came_online.then(|| to.event(EventKind::PresenceChange, agent)))
    }
}

impl Finish for Attend {}
