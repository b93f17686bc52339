//! `heartbeat`: a session's sign of life, with changes for its agent (section 9, Seen).

use orochi_protocol::request::Heartbeat;

use crate::core::change::{Applying, Change};
use crate::core::finish::Finish;
use crate::core::outcome::Outcome;
use crate::core::resume::check_reached;
use crate::roster::SessionId;

#[derive(Debug, Clone)]
pub(crate) struct Alive {
    pub(crate) session: SessionId,
    pub(crate) heartbeat: Heartbeat,
}

impl Change for Alive {
    /// A sign of life without `seen` waits for the next entry that changes the disk.
    fn is_lasting(&self) -> bool {
        self.heartbeat.seen.is_some()
    }

    fn is_promised(&self) -> bool {
        self.heartbeat.seen.is_some()
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        let Heartbeat { seen, offered, reach } = self.heartbeat;
        let Some(agent) = to.roster.session_of(self.session) else { return Outcome::Dropped };
        to.roster.touch(agent, to.ts);
        // An agent can't have handled a message that was not delivered yet.
        let upto = [("seen", seen), ("offered", offered)];
        for (field, seq) in upto.into_iter().filter_map(|(field, seq)| Some((field, seq?))) {
            if let Err(refusal) = check_reached(field, seq, to.log.committed) {
                return Outcome::Refused(refusal);
            }
        }
        if let Some(seen) = seen {
            to.roster.move_cursor(agent, seen);
        }
        to.roster.set_session(self.session, offered, reach);
        Outcome::Done(None)
    }
}

impl Finish for Alive {}
