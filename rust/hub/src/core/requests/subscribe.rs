//! `subscribe`: a session joins a channel (section 5).

use orochi_protocol::limits::CHANNELS_MAX;
use orochi_protocol::reply::{Ok as AckStatus, SubscribeAck};
use orochi_protocol::request::Subscribe;
use orochi_protocol::{ChannelName, ErrorCode, Refusal};

use crate::core::change::{Applying, Change};
use crate::core::finish::Finish;
use crate::core::outcome::Outcome;
use crate::core::router::Router;
use crate::links::ConnectionIndex;
use crate::roster::SessionId;

#[derive(Debug, Clone)]
pub(crate) struct Join {
    session: SessionId,
    channel: ChannelName,
}

impl Join {
    pub(crate) fn new(session: SessionId, subscribe: Subscribe) -> Self {
        Self { session, channel: subscribe.channel }
    }
}

impl Change for Join {
    fn is_promised(&self) -> bool {
        false
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        let channel = self.channel.as_str();
        if to.roster.session_of(self.session).is_none() {
            return Outcome::Dropped;
        }
        if to.roster.channels_beside(self.session, channel) >= CHANNELS_MAX {
            let detail = format!("this connection is in {CHANNELS_MAX} channels already: leave one first");
            return Outcome::Refused(Refusal::new(ErrorCode::TooLarge, detail));
        }
        to.roster.set_channel(self.session, channel, Some(to.log.committed));
        Outcome::Done(None)
    }
}

impl Finish for Join {
    fn change_links(&self, router: &mut Router) {
        if let Some(index) = router.own_connection(self.session) {
            router.known.links.join(index, self.channel.as_str(), router.head);
        }
    }

    fn ack(&self, index: ConnectionIndex, id: &str, router: &mut Router) {
        let ack = SubscribeAck { status: AckStatus::Ok, r#ref: id, seq: router.head };
        let frame = router.stamper.frame("ack", &ack);
        router.stage_reply(index, frame);
    }
}
