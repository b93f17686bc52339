//! Applies the entries of a turn in one transaction: messages get their place in the log, the roster changes, and
//! the records that changed are written with them. Nobody is answered here, and no connection changes: that follows
//! the commit.

use orochi_protocol::limits::CHANNELS_MAX;
use orochi_protocol::request::EventKind;
use orochi_protocol::{ErrorCode, Refusal, Seq};

use super::CoreThread;
use super::accept::{Outcome, Pending};
use super::agents::{presence_frame, status_frame};
use super::entry::{Change, ChangeKind, Entry, Event, Registered, Registering};
use super::lookups::Lookups;
use super::place::{LogAt, check_seen};
use super::stamp::Stamper;
use crate::registry::{ConnectionId, Goodbye, Registry};
use crate::store::{Batch, StoreError};

/// The state that entries are applied to.
struct Applying<'a> {
    /// None where no entry is lasting, and once the disk has refused.
    batch: Option<Batch<'a>>,
    refused: Option<StoreError>,
    lookups: &'a Lookups,
    registry: &'a mut Registry,
    stamper: &'a mut Stamper,
    epoch: &'a str,
    /// The newest message that is on disk.
    committed: Seq,
    /// The newest message of the entries before.
    head: Seq,
    /// Connections that a register of this turn replaced: they say nothing more.
    replaced: Vec<ConnectionId>,
}

impl CoreThread {
    /// Applies the entries and brings what they change to disk.
    ///
    /// # Errors
    /// Where the disk refuses. Then no message is in the log; the roster has changed all the same, and its records
    /// are due with the next commit.
    pub(super) fn apply(&mut self, entries: &mut [Entry]) -> Result<(), StoreError> {
        let is_lasting = self.registry.roster.must_write() || entries.iter().any(Entry::is_lasting);
        let store = &mut self.store;
        let begun = is_lasting.then(|| self.lookups.during(&mut self.registry, move || store.begin()));
        let (batch, refused) = match begun {
            None => (None, None),
            Some(Ok(batch)) => (Some(batch), None),
            Some(Err(error)) => (None, Some(error)),
        };
        let mut applying = Applying {
            batch,
            refused,
            lookups: &self.lookups,
            registry: &mut self.registry,
            stamper: &mut self.stamper,
            epoch: &self.epoch,
            committed: self.head,
            head: self.head,
            replaced: Vec::new(),
        };
        for entry in entries {
            applying.entry(entry);
        }
        let committed = applying.commit();
        if committed.is_err() {
            self.registry.roster.commit_failed(self.head);
        }
        committed
    }
}

impl Applying<'_> {
    fn entry(&mut self, entry: &mut Entry) {
        match entry {
            Entry::Message(pending) => self.with_batch(|this, batch| this.message(batch, pending)),
            Entry::Register(registering) => registering.outcome = Some(self.register(registering)),
            Entry::Change(change) => self.change(change),
            Entry::Disconnect { connection, goodbye, event } => *event = self.disconnect(*connection, *goodbye),
            Entry::Call { note, noted } => self.with_batch(|this, batch| {
                *noted = Some(note.write(batch, this.stamper.now())?);
                Ok(())
            }),
            Entry::SignOut { nonce, until, .. } => {
                self.with_batch(|this, batch| batch.end_session(nonce, *until, this.stamper.now()));
            }
            Entry::Observe { .. }
            | Entry::CaughtUp { .. }
            | Entry::Reply { .. }
            | Entry::Refused { .. }
            | Entry::Presence { .. }
            | Entry::Barrier(_)
            | Entry::ResetWal(_)
            | Entry::Probe(_) => {}
        }
    }

    /// Writes into the transaction. Once the disk has refused, the rest of the turn is not written.
    fn with_batch(&mut self, write: impl FnOnce(&mut Self, &mut Batch<'_>) -> Result<(), StoreError>) {
        let Some(mut batch) = self.batch.take() else { return };
        match write(self, &mut batch) {
            Ok(()) => self.batch = Some(batch),
            Err(error) => self.refused = Some(error),
        }
    }

    fn message(&mut self, batch: &mut Batch<'_>, pending: &mut Pending) -> Result<(), StoreError> {
        if self.replaced.iter().any(|replaced| pending.is_from(*replaced)) {
            return Ok(());
        }
        pending.resolve_mentions(&self.registry.roster);
        let seq = self.head.next();
        let outcome = pending.append(batch, seq, self.stamper.now())?;
        if matches!(outcome, Outcome::New) {
            self.head = seq;
        }
        pending.outcome = Some(outcome);
        Ok(())
    }

    fn register(&mut self, registering: &Registering) -> Result<Registered, Refusal> {
        let Registering { connection, name, register, .. } = registering;
        let log = LogAt { epoch: self.epoch, head: self.head };
        let place = log.place(&self.registry.roster, name.as_str(), register)?;
        self.registry.check_stays(*connection)?;
        let now = self.stamper.now();
        let joined = self.registry.roster.register(*connection, name, register, self.head, now)?;
        self.replaced.extend_from_slice(&joined.replaced);
        let agent = self.registry.roster.agent(joined.agent);
        let cursor = agent.record.cursor;
        let event = joined.came_online.then(|| Event {
            agent: joined.agent,
            kind: EventKind::PresenceChange,
            frame: presence_frame(self.stamper, agent),
        });
        Ok(Registered { joined, place, cursor, event })
    }

    fn change(&mut self, change: &mut Change) {
        let connection = change.connection;
        let Some(agent) = self.registry.roster.session_of(connection) else { return };
        let now = self.stamper.now();
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
                check_seen(*seen, self.committed).map(|()| {
                    roster.move_cursor(agent, *seen);
                    None
                })
            }
            ChangeKind::Status(update) => {
                roster.update_status(agent, std::mem::take(update), now);
                let frame = status_frame(self.stamper, roster.agent(agent));
                Ok(Some(Event { agent, kind: EventKind::StatusUpdate, frame }))
            }
        };
        change.outcome = Some(done);
    }

    fn disconnect(&mut self, connection: ConnectionId, goodbye: Goodbye) -> Option<Event> {
        let left = self.registry.roster.leave(connection, goodbye, self.stamper.now())?;
        let agent = self.registry.roster.agent(left.agent);
        left.went_offline.then(|| Event {
            agent: left.agent,
            kind: EventKind::PresenceChange,
            frame: presence_frame(self.stamper, agent),
        })
    }

    /// Writes the records that are due and brings all of it to disk.
    fn commit(mut self) -> Result<(), StoreError> {
        self.with_batch(|this, batch| {
            let now = this.stamper.now();
            for record in this.registry.roster.due_records() {
                batch.put_agent(record)?;
            }
            for (agent, state) in this.registry.roster.due_states() {
                batch.put_state(agent, state, now)?;
            }
            Ok(())
        });
        if let Some(error) = self.refused {
            return Err(error);
        }
        if let Some(batch) = self.batch {
            self.lookups.during(self.registry, || batch.commit())?;
            self.registry.roster.records_written();
        }
        Ok(())
    }
}
