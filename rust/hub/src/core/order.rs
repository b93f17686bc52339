//! The first of the three steps: a command takes its place among the entries, and the roster changes there. What
//! depends on the log's newest message is left to the third step, which knows it; places that clients name are compared
//! with what is on disk, as nobody can have been given more.
//!
//! Nobody is answered here, no connection changes, and nothing waits for the disk.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use orochi_protocol::limits::CHANNELS_MAX;
use orochi_protocol::request::{EventKind, Heartbeat};
use orochi_protocol::{AgentName, ChannelName, ErrorCode, Refusal, Seq};

use super::CoreThread;
use super::agents::{presence_frame, status_frame};
use super::entry::{Change, ChangeKind, Entry, Event, Registered, Registering};
use super::place::{Log, check_reached};
use crate::registry::roster::RegisterAt;
use crate::registry::{ConnectionId, Goodbye, Roster};

impl CoreThread {
    /// Adds an entry to the next batch.
    pub(super) fn order(&mut self, mut entry: Entry) {
        match &mut entry {
            Entry::Message(pending) => pending.resolve_mentions(&self.registry.roster),
            Entry::Register(registering) => registering.outcome = Some(self.order_register(registering)),
            Entry::Change(change) => self.order_change(change),
            Entry::Named(named) => self.order_named(named),
            Entry::Disconnect { connection, goodbye, event } => *event = self.order_disconnect(*connection, *goodbye),
            Entry::Call { .. }
            | Entry::SignOut { .. }
            | Entry::Observe { .. }
            | Entry::Reply { .. }
            | Entry::Refused { .. }
            | Entry::Presence { .. }
            | Entry::Barrier(_)
            | Entry::ResetWal { .. }
            | Entry::Probe { .. } => {}
        }
        self.next.push(entry);
    }

    /// The newest message that is on disk, delivered or about to be.
    pub(super) fn committed(&self) -> Seq {
        Seq::new(self.committed.load(Ordering::Acquire)).unwrap_or(self.head)
    }

    fn order_register(&mut self, registering: &mut Registering) -> Result<Registered, Refusal> {
        let Registering { connection, name, register, .. } = registering;
        let log = Log { epoch: &self.epoch, committed: self.committed() };
        let known = self.registry.roster.find(name.as_str());
        let place = log.place(known.map(|index| self.registry.roster.agent(index)), register)?;
        self.registry.check_stays(*connection)?;
        let kept = register.channels.is_none().then(|| kept_channels(&self.registry.roster, name));
        if let Some(kept) = &kept {
            register.channels = Some(kept.keys().cloned().collect());
        }
        let joined_at = |channel: &str| {
            let joined = register.joined.iter().find(|(joined, _)| joined.as_str() == channel);
            joined.filter(|_| place.resumed == Some(true)).map(|(_, seq)| *seq).unwrap_or_default()
        };
        // What is on disk was said before. A message that is on its way there may be delivered later, which loses none.
        let first_head = known.map_or(log.committed, |index| self.registry.roster.agent(index).record.first_head);
        let start = place.start(first_head, log.committed);
        let since = |channel: &str| start.channels_after.max(joined_at(channel));
        let at = RegisterAt { head: self.head, since: &since, now: self.stamper.now() };
        let joined = self.registry.roster.register(*connection, name, register, at)?;
        let agent = self.registry.roster.agent(joined.agent);
        let cursor = agent.record.cursor;
        let event = joined.came_online.then(|| Event {
            agent: joined.agent,
            kind: EventKind::PresenceChange,
            frame: presence_frame(&mut self.stamper, agent),
        });
        Ok(Registered { joined, is_new: known.is_none(), place, cursor, event, kept })
    }

    fn order_change(&mut self, change: &mut Change) {
        let connection = change.connection;
        let Some(agent) = self.registry.roster.session_of(connection) else { return };
        let now = self.stamper.now();
        let committed = self.committed();
        let roster = &mut self.registry.roster;
        let done = match &mut change.kind {
            ChangeKind::Join(channel) if roster.channels_beside(connection, channel.as_str()) >= CHANNELS_MAX => {
                let detail = format!("this connection is in {CHANNELS_MAX} channels already: leave one first");
                Err(Refusal::new(ErrorCode::TooLarge, detail))
            }
            ChangeKind::Join(channel) => {
                roster.set_channel(connection, channel.as_str(), Some(committed));
                Ok(None)
            }
            ChangeKind::Leave(channel) => self.registry.check_stays(connection).map(|()| {
                self.registry.roster.set_channel(connection, channel.as_str(), None);
                None
            }),
            ChangeKind::Alive(Heartbeat { seen, offered, reach }) => {
                roster.touch(agent, now);
                // Nobody can have dealt with a message that was not delivered yet.
                let upto = [("seen", *seen), ("offered", *offered)];
                let mut named = upto.into_iter().filter_map(|(field, seq)| Some((field, seq?)));
                named.try_for_each(|(field, seq)| check_reached(field, seq, committed)).map(|()| {
                    if let Some(seen) = *seen {
                        roster.move_cursor(agent, seen);
                    }
                    roster.set_session(connection, *offered, *reach);
                    None
                })
            }
            ChangeKind::Status(update) => {
                roster.update_status(agent, std::mem::take(update), now);
                let frame = status_frame(&mut self.stamper, roster.agent(agent));
                Ok(Some(Event { agent, kind: EventKind::StatusUpdate, frame }))
            }
        };
        change.outcome = Some(done);
    }

    fn order_disconnect(&mut self, connection: ConnectionId, goodbye: Goodbye) -> Option<Event> {
        let left = self.registry.roster.leave(connection, goodbye, self.stamper.now())?;
        let agent = self.registry.roster.agent(left.agent);
        left.went_offline.then(|| Event {
            agent: left.agent,
            kind: EventKind::PresenceChange,
            frame: presence_frame(&mut self.stamper, agent),
        })
    }
}

/// The channels that a register without any gets, and where each begins: those that are kept with the name, or
/// `#general` where it never named one.
fn kept_channels(roster: &Roster, name: &AgentName) -> BTreeMap<ChannelName, Seq> {
    let kept = roster.find(name.as_str()).and_then(|index| roster.agent(index).record.kept.as_ref());
    let Some(kept) = kept else { return BTreeMap::from([(ChannelName::general(), Seq::ZERO)]) };
    let named = kept.iter().filter_map(|(channel, since)| Some((ChannelName::parse(channel).ok()?, *since)));
    named.take(CHANNELS_MAX).collect()
}
