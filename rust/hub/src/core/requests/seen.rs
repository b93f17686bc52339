//! An agent without a connection has handled everything up to a seq, over HTTP (section 7). On a connection,
//! [`super::heartbeat`] says the same.

use orochi_protocol::{AgentName, Seq};

use crate::core::change::{Applying, Change};
use crate::core::finish::Finish;
use crate::core::outcome::Outcome;
use crate::core::resume::check_reached;

#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) name: AgentName,
    pub(crate) seq: Seq,
}

impl Change for Seen {
    fn is_promised(&self) -> bool {
        true
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        if let Err(refusal) = check_reached("seen", self.seq, to.log.committed) {
            return Outcome::Refused(refusal);
        }
        let agent = to.named(&self.name);
        to.roster.touch(agent, to.ts);
        to.roster.move_cursor(agent, self.seq);
        Outcome::Done(None)
    }
}

impl Finish for Seen {}
