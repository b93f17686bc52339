//! Applies a batch: first to the roster, in the order of the entries, then to the file, in one transaction. The result
//! depends on the roster, the file and the batch alone: no clock, no setting, no random number, and no order of a hash
//! map. The same batches make the same roster and the same file on every hub.
//!
//! [`apply`] is both halves. The core calls them one by one, because the second may run on another thread
//! ([`super::writer`]). A batch is applied to the roster once the previous one is on disk.
//!
//! This step answers no request and changes no connection.

use std::collections::BTreeMap;

use orochi_protocol::limits::CHANNELS_MAX;
use orochi_protocol::request::{EventKind, Heartbeat};
use orochi_protocol::{AgentName, ChannelName, ErrorCode, Refusal, Seq, Timestamp};

use super::batch::Batch;
use super::durable::Durable;
use super::entry::{Entry, Registering, Whose};
use super::outcome::{Event, Outcome, Registered};
use super::resume::{Extent, check_reached};
use crate::frame::Frame;
use crate::roster::{Agent, AgentIndex, RegisterAt, Roster, SessionId};

/// Encodes the event about an agent that has just changed.
pub(super) type Tell<'a> = &'a mut dyn FnMut(EventKind, &Agent) -> Frame;

/// The first half: the roster. Results that need the batch's own seqs are left to the second half, which assigns them.
pub(super) fn apply_to_roster(batch: &mut Batch, roster: &mut Roster, log: Extent<'_>, tell: Tell<'_>) {
    let ts = batch.order.ts;
    for entry in &mut batch.entries {
        let outcome = match entry {
            Entry::Message(message) => match message.session {
                Some(session) if roster.session_of(session).is_none() => Outcome::Dropped,
                Some(_) | None => {
                    message.resolve(roster, ts);
                    Outcome::Open
                }
            },
            Entry::CallBegin { .. } | Entry::CallEnd { .. } | Entry::SignOut { .. } | Entry::HubUp { .. } => {
                Outcome::Open
            }
            _ => Change { roster: &mut *roster, log, ts, tell: &mut *tell }.outcome(entry),
        };
        batch.outcomes.push(outcome);
    }
    if batch.is_lasting() {
        batch.due = roster.take_due();
    }
}

/// Both halves, one after the other. If the disk refuses, `batch.refused` has the error.
pub(super) fn apply(batch: &mut Batch, roster: &mut Roster, durable: &mut Durable, epoch: &str, tell: Tell<'_>) {
    apply_to_roster(batch, roster, Extent { epoch, committed: durable.head() }, tell);
    durable.write(batch);
    roster.records_saved(&batch.saved);
}

/// One entry that changes the roster.
struct Change<'a> {
    roster: &'a mut Roster,
    log: Extent<'a>,
    ts: Timestamp,
    tell: Tell<'a>,
}

impl Change<'_> {
    fn outcome(mut self, entry: &mut Entry) -> Outcome {
        let done = match entry {
            Entry::Register(registering) => match self.register(registering) {
                Ok(registered) => return Outcome::Registered(Box::new(registered)),
                Err(refusal) => Err(refusal),
            },
            Entry::HubGone { hub, at } => {
                let gone = self.roster.end_hub(*hub, *at);
                let events = gone.into_iter().map(|agent| self.event(EventKind::PresenceChange, agent));
                return Outcome::Told(events.collect());
            }
            Entry::Attend { session, name } => {
                let agent = self.named(name);
                let came_online = self.roster.attend(*session, agent, self.ts);
                Ok(came_online.then(|| self.event(EventKind::PresenceChange, agent)))
            }
            Entry::Leave { session, goodbye } => {
                let Some(left) = self.roster.leave(*session, *goodbye, self.ts) else { return Outcome::Dropped };
                Ok(left.went_offline.then(|| self.event(EventKind::PresenceChange, left.agent)))
            }
            Entry::Keep { name, channel, is_kept } => {
                let agent = self.named(name);
                self.roster.keep_channel(agent, channel.as_str(), is_kept.then_some(self.log.committed));
                Ok(None)
            }
            Entry::Seen { name, seq } => check_reached("seen", *seq, self.log.committed).map(|()| {
                let agent = self.named(name);
                self.roster.touch(agent, self.ts);
                self.roster.move_cursor(agent, *seq);
                None
            }),
            Entry::Status { whose, update } => {
                let agent = match whose {
                    Whose::Name(name) => self.named(name),
                    Whose::Session(session) => {
                        let Some(agent) = self.roster.session_of(*session) else { return Outcome::Dropped };
                        agent
                    }
                };
                self.roster.update_status(agent, std::mem::take(update), self.ts);
                Ok(Some(self.event(EventKind::StatusUpdate, agent)))
            }
            Entry::Join { session, .. } | Entry::Part { session, .. } | Entry::Alive { session, .. }
                if self.roster.session_of(*session).is_none() =>
            {
                return Outcome::Dropped;
            }
            Entry::Join { session, channel } => self.join(*session, channel),
            Entry::Part { session, channel } => {
                self.roster.set_channel(*session, channel.as_str(), None);
                Ok(None)
            }
            Entry::Alive { session, heartbeat } => self.alive(*session, *heartbeat),
            Entry::Message(_)
            | Entry::CallBegin { .. }
            | Entry::CallEnd { .. }
            | Entry::SignOut { .. }
            | Entry::HubUp { .. } => return Outcome::Open,
        };
        done.map_or_else(Outcome::Refused, Outcome::Done)
    }

    fn register(&mut self, registering: &mut Registering) -> Result<Registered, Refusal> {
        let Registering { session, name, register, over_bound } = registering;
        let known = self.roster.find(name.as_str());
        let position = self.log.start_position(known.map(|index| self.roster.agent(index)), register)?;
        if let Some(refusal) = over_bound.take() {
            return Err(refusal);
        }
        let kept = register.channels.is_none().then(|| kept_channels(self.roster, name));
        if let Some(kept) = &kept {
            register.channels = Some(kept.keys().cloned().collect());
        }
        let joined_at = |channel: &str| {
            let joined = register.joined.iter().find(|(joined, _)| joined.as_str() == channel);
            joined.filter(|_| position.resumed == Some(true)).map(|(_, seq)| *seq).unwrap_or_default()
        };
        // Messages up to `committed` precede this register. Earlier messages of this batch may be delivered to the
        // name's later connections, which loses none.
        let committed = self.log.committed;
        let first_head = known.map_or(committed, |index| self.roster.agent(index).record.first_head);
        let start = position.start(first_head, committed);
        let since = |channel: &str| start.channels_after.max(joined_at(channel));
        let at = RegisterAt { head: committed, since: &since, now: self.ts };
        let joined = self.roster.register(*session, name, register, at)?;
        let cursor = self.roster.agent(joined.agent).record.cursor;
        let event = joined.came_online.then(|| self.event(EventKind::PresenceChange, joined.agent));
        Ok(Registered { joined, is_new: known.is_none(), position, cursor, event, kept })
    }

    fn join(&mut self, session: SessionId, channel: &ChannelName) -> Result<Option<Event>, Refusal> {
        if self.roster.channels_beside(session, channel.as_str()) >= CHANNELS_MAX {
            let detail = format!("this connection is in {CHANNELS_MAX} channels already: leave one first");
            return Err(Refusal::new(ErrorCode::TooLarge, detail));
        }
        self.roster.set_channel(session, channel.as_str(), Some(self.log.committed));
        Ok(None)
    }

    fn alive(&mut self, session: SessionId, heartbeat: Heartbeat) -> Result<Option<Event>, Refusal> {
        let Heartbeat { seen, offered, reach } = heartbeat;
        let Some(agent) = self.roster.session_of(session) else { return Ok(None) };
        self.roster.touch(agent, self.ts);
        // An agent can't have handled a message that was not delivered yet.
        let upto = [("seen", seen), ("offered", offered)];
        for (field, seq) in upto.into_iter().filter_map(|(field, seq)| Some((field, seq?))) {
            check_reached(field, seq, self.log.committed)?;
        }
        if let Some(seen) = seen {
            self.roster.move_cursor(agent, seen);
        }
        self.roster.set_session(session, offered, reach);
        Ok(None)
    }

    /// Returns the agent of this name, added if it never registered.
    fn named(&mut self, name: &AgentName) -> AgentIndex {
        self.roster.find_or_add(name, self.log.committed, self.ts)
    }

    fn event(&mut self, kind: EventKind, agent: AgentIndex) -> Event {
        Event { agent, kind, frame: (self.tell)(kind, self.roster.agent(agent)) }
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
