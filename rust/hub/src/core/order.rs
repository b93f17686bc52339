//! The first of the three steps: a command takes its place among the entries, and the roster changes there. What
//! depends on the log's newest message is left to the third step, which knows it; places that clients name are compared
//! with what is on disk, as nobody can have been given more.
//!
//! Nobody is answered here, no connection changes, and nothing waits for the disk.

use std::sync::atomic::Ordering;

use orochi_protocol::limits::CHANNELS_MAX;
use orochi_protocol::request::EventKind;
use orochi_protocol::{ErrorCode, Refusal, Seq};

use super::CoreThread;
use super::agents::{presence_frame, status_frame};
use super::entry::{Change, ChangeKind, Entry, Event, Registered, Registering};
use super::place::{Log, check_seen};
use crate::registry::{ConnectionId, Goodbye};

impl CoreThread {
    /// Adds an entry to the next batch.
    pub(super) fn order(&mut self, mut entry: Entry) {
        match &mut entry {
            Entry::Message(pending) => pending.resolve_mentions(&self.registry.roster),
            Entry::Register(registering) => registering.outcome = Some(self.order_register(registering)),
            Entry::Change(change) => self.order_change(change),
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
    fn committed(&self) -> Seq {
        Seq::new(self.committed.load(Ordering::Acquire)).unwrap_or(self.head)
    }

    fn order_register(&mut self, registering: &Registering) -> Result<Registered, Refusal> {
        let Registering { connection, name, register, .. } = registering;
        let log = Log { epoch: &self.epoch, committed: self.committed() };
        let known = self.registry.roster.find(name.as_str());
        let place = log.place(known.map(|index| self.registry.roster.agent(index)), register)?;
        self.registry.check_stays(*connection)?;
        let now = self.stamper.now();
        let joined = self.registry.roster.register(*connection, name, register, self.head, now)?;
        let agent = self.registry.roster.agent(joined.agent);
        let cursor = agent.record.cursor;
        let event = joined.came_online.then(|| Event {
            agent: joined.agent,
            kind: EventKind::PresenceChange,
            frame: presence_frame(&mut self.stamper, agent),
        });
        Ok(Registered { joined, is_new: known.is_none(), place, cursor, event })
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
                roster.set_channel(connection, channel.as_str(), true);
                Ok(None)
            }
            ChangeKind::Leave(channel) => self.registry.check_stays(connection).map(|()| {
                self.registry.roster.set_channel(connection, channel.as_str(), false);
                None
            }),
            ChangeKind::Alive => {
                roster.touch(agent, now);
                Ok(None)
            }
            ChangeKind::Seen(seen) => {
                roster.touch(agent, now);
                // Nobody can have dealt with a message that was not delivered yet.
                check_seen(*seen, committed).map(|()| {
                    roster.move_cursor(agent, *seen);
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
