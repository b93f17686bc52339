//! `register`: a connection joins under a name, and gets its messages from the position that it names (sections 5, 9).

use std::collections::BTreeMap;

use orochi_protocol::limits::{CHANNELS_MAX, HEARTBEAT_SECONDS};
use orochi_protocol::reply::{Ok as AckStatus, RegisterAck};
use orochi_protocol::request::{EventKind, Register};
use orochi_protocol::{AgentName, ChannelName, CloseCode, ErrorCode, Refusal, Seq};
use tokio::sync::oneshot;

use crate::core::ask::{Asker, RegisterAsker};
use crate::core::change::{Applying, Change};
use crate::core::feed::hand_over;
use crate::core::finish::{Finish, Finished};
use crate::core::outcome::{Outcome, Registered};
use crate::core::router::Router;
use crate::links::{ConnectionIndex, Links, Positions, Start};
use crate::roster::{RegisterAt, Roster, SessionId};

/// A register, with its hub's own refusal if there is one.
#[derive(Debug, Clone)]
pub(crate) struct Registering {
    session: SessionId,
    name: AgentName,
    register: Register,
    /// Set if the connection is over a bound of its hub. Refusals by the log come before this one.
    over_bound: Option<Refusal>,
}

impl Registering {
    pub(crate) fn new(session: SessionId, name: AgentName, register: Register, links: &mut Links) -> Self {
        let over_bound = links.check_stays(session.connection).err();
        Self { session, name, register, over_bound }
    }
}

impl Change for Registering {
    fn is_promised(&self) -> bool {
        false
    }

    fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
        match self.register(to) {
            Ok(registered) => Outcome::Registered(Box::new(registered)),
            Err(refusal) => Outcome::Refused(refusal),
        }
    }
}

impl Registering {
    fn register(&mut self, to: &mut Applying<'_>) -> Result<Registered, Refusal> {
        let Self { session, name, register, over_bound } = self;
        let known = to.roster.find(name.as_str());
        let position = to.log.start_position(known.map(|index| to.roster.agent(index)), register)?;
        if let Some(refusal) = over_bound.take() {
            return Err(refusal);
        }
        let kept = register.channels.is_none().then(|| kept_channels(to.roster, name));
        if let Some(kept) = &kept {
            register.channels = Some(kept.keys().cloned().collect());
        }
        let joined_at = |channel: &str| {
            let joined = register.joined.iter().find(|(joined, _)| joined.as_str() == channel);
            joined.filter(|_| position.resumed == Some(true)).map(|(_, seq)| *seq).unwrap_or_default()
        };
        // Messages up to `committed` precede this register. Earlier messages of this batch may be delivered to the
        // name's later connections, which loses none.
        let committed = to.log.committed;
        let first_head = known.map_or(committed, |index| to.roster.agent(index).record.first_head);
        let start = position.start(first_head, committed);
        let since = |channel: &str| start.channels_after.max(joined_at(channel));
        let at = RegisterAt { head: committed, since: &since, now: to.ts };
        let joined = to.roster.register(*session, name, register, at)?;
        let cursor = to.roster.agent(joined.agent).record.cursor;
        let event = joined.came_online.then(|| to.event(EventKind::PresenceChange, joined.agent));
        Ok(Registered { joined, is_new: known.is_none(), position, cursor, event, kept })
    }
}

/// The channels of a register that names none, each with the seq after which it is delivered: those kept with the name,
/// or `#general` if none were ever kept.
fn kept_channels(roster: &Roster, name: &AgentName) -> BTreeMap<ChannelName, Seq> {
    let kept = roster.find(name.as_str()).and_then(|index| roster.agent(index).record.kept.as_ref());
    let Some(kept) = kept else { return BTreeMap::from([(ChannelName::general(), Seq::ZERO)]) };
    let named = kept.iter().filter_map(|(channel, since)| Some((ChannelName::parse(channel).ok()?, *since)));
    named.take(CHANNELS_MAX).collect()
}

impl Finish for Registering {
    /// Sends the connection its ack, then its messages from its start on.
    fn finish(self, finished: Finished<'_>, router: &mut Router) {
        let Finished { outcome, asker, .. } = finished;
        let Self { name, register, .. } = self;
        let mut registered = match outcome {
            Outcome::Registered(registered) => registered,
            Outcome::Refused(refusal) => return router.refuse_register(asker, &refusal),
            // A register has no other outcome.
            _ => return,
        };
        if registered.is_new {
            router.known.roster.set_first_head(registered.joined.agent, router.head);
        }
        for replaced in &registered.joined.replaced {
            router.replace(*replaced, &name);
        }
        let event = registered.event.take();
        let answer = match asker {
            Asker::Register(asker) => Some(router.welcome(&name, &register, *registered, *asker)),
            _ => None,
        };
        if let Some(event) = event {
            tracing::info!(agent = %name, channels = register.channels().len(), "agent online");
            router.send_event(event);
        }
        if let Some(answer) = answer {
            let _ = answer.send(true);
        }
    }
}

impl Router {
    fn refuse_register(&mut self, asker: Asker, refusal: &Refusal) {
        let Asker::Register(asker) = asker else { return };
        match self.known.links.find_connection(asker.connection) {
            Some(index) => self.refuse(index, refusal, Some(&asker.id)),
            None => asker.outbox.reply(self.stamper.error(refusal, Some(&asker.id))),
        }
        let _ = asker.answer.send(false);
    }

    /// Registers this hub's connection as the agent's, and acks.
    fn welcome(
        &mut self,
        name: &AgentName,
        register: &Register,
        registered: Registered,
        asker: RegisterAsker,
    ) -> oneshot::Sender<bool> {
        let RegisterAsker { connection, id, outbox, answer } = asker;
        let before = self.known.links.find_connection(connection);
        let Registered { joined, position, cursor, kept, .. } = registered;
        let named = kept.is_some().then(|| register.channels());
        let start = position.start(self.known.roster.agent(joined.agent).record.first_head, self.head);
        let resumed = position.resumed;
        match before {
            // Registered before, without a resume now: the connection continues at its position.
            Some(index) if register.resume.is_none() => {
                self.known.links.renew_session(index, register, self.head);
                self.ack_register(index, &id, cursor, (resumed, start), named);
            }
            before => {
                if let Some(index) = before {
                    self.hand_over_replies(index);
                }
                // Seqs of another log mean nothing in this one.
                let none = BTreeMap::new();
                let joined_at = match &kept {
                    Some(kept) => kept,
                    None if resumed == Some(true) => &register.joined,
                    None => &none,
                };
                let positions = Positions { start, joined: joined_at, head: self.head };
                let agent = (joined.agent, name.as_str());
                let index = self.known.links.add_session(connection, agent, register, outbox, positions);
                self.ack_register(index, &id, cursor, (resumed, start), named);
                self.known.links.connection_mut(index).resuming = register.resume.map(|_| id);
                self.feed_from(index, start.channels_after.min(start.addressed_after));
            }
        }
        answer
    }

    fn ack_register(
        &mut self,
        index: ConnectionIndex,
        id: &str,
        cursor: Option<Seq>,
        (resumed, start): (Option<bool>, Start),
        channels: Option<&[ChannelName]>,
    ) {
        let ack = RegisterAck {
            status: AckStatus::Ok,
            r#ref: id,
            seq: self.head,
            epoch: &self.epoch,
            cursor,
            heartbeat: HEARTBEAT_SECONDS,
            resumed,
            channels_from: resumed.map(|_| start.channels_after),
            channels,
        };
        let frame = self.stamper.frame("ack", &ack);
        self.stage_reply(index, frame);
    }

    /// Hands over the replies of this batch. Its messages will be read again from the requested position.
    fn hand_over_replies(&mut self, index: ConnectionIndex) {
        let connection = self.known.links.connection_mut(index);
        connection.staged.retain(|item| item.seq.is_none());
        hand_over(connection, self.head);
    }

    fn replace(&mut self, replaced: SessionId, name: &AgentName) {
        let Some(index) = self.own_connection(replaced) else { return };
        let detail = format!("another connection registered as {name} and replaced this one");
        let frame = self.stamper.error(&Refusal::new(ErrorCode::SessionReplaced, detail), None);
        let mut connection = self.known.links.remove(index);
        connection.stage_reply(frame);
        hand_over(&mut connection, self.head);
        connection.outbox.close(CloseCode::Replaced);
    }
}
