//! A name keeps a channel over HTTP, or keeps it no longer (section 7).

use orochi_protocol::{AgentName, ChannelName};

use crate::core::change::{Applying, Change};
use crate::core::finish::Finish;
use crate::core::outcome::Outcome;

#[derive(Debug, Clone)]
pub(crate) struct Keep {
    pub(crate) name: AgentName,
    pub(crate) channel: ChannelName,
    pub(crate) is_kept: bool,
}

impl Change for Keep {
    fn is_promised(&self) -> bool {
        true
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        let agent = to.named(&self.name);
        to.roster.keep_channel(agent, self.channel.as_str(), self.is_kept.then_some(to.log.committed));
        Outcome::Done(None)
    }
}

impl Finish for Keep {}
