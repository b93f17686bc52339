//! The core: one thread that owns all state. Commands become entries, and a batch of entries passes three steps. It is
//! **proposed** to the log, which gives it its position in the order. It is **applied** to the roster and to the file,
//! in one transaction. After the commit it is **finished**: messages are delivered, connections change, requests are
//! answered. While one batch is written, the next one is collected and the previous one is finished.
//!
//! The core never waits for a socket, a reader or another host.
//!
//! - `entry`: all kinds of entries, as data. `requests`: one file a kind, with its data, how it is applied, and how it
//!   is finished. `change`, `finish`: what each kind has to define.
//! - [`command`]: the requests to the core. [`handle`]: the handle that sends them. `collect`: turns them into entries
//!   and asks.
//! - `outcome`: the results of entries. `ask`: the tasks that wait for a result. `batch`: entries, outcomes and asks
//!   together.
//! - `log`: the source of the order.
//! - `apply`, `durable`: the two halves of applying a batch, roster and file. `writer`: the thread for the second half.
//! - `resume`: the position at which a register starts.
//! - `router`: the state that finishing changes. `deliver`: messages to their receivers. `feed`: connections that go
//!   live or fall behind. `events`: frames about other agents. `receipts`: how far a message got.
//! - `known`: the roster and this hub's links together. [`lookups`]: queries answered from them, even while the disk is
//!   slow. `waits`: HTTP requests that wait for messages.
//! - `refusals`: refusals that several requests share. `start`: the start of a core. [`stamp`]: the clock, and the
//!   frames that the hub itself creates.

mod apply;
mod ask;
mod batch;
mod change;
mod collect;
mod command;
mod deliver;
mod durable;
mod entry;
mod events;
mod feed;
mod finish;
mod handle;
mod known;
mod log;
mod lookups;
mod outcome;
mod receipts;
mod refusals;
mod requests;
mod resume;
mod returns;
mod router;
mod stamp;
mod start;
mod waits;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orochi_protocol::Seq;
use tokio::sync::{Notify, mpsc};

pub use crate::clock::system_clock;
pub use command::{Accepted, AgentAction, Command};
pub(crate) use command::{CallKey, NamedAction, Stats};
pub use handle::Core;
#[cfg(feature = "sim")]
pub use log::sim;
pub(crate) use refusals::{beyond_log, not_registered, shutting_down, unavailable};
pub(crate) use stamp::stray_frame;
#[cfg(feature = "sim")]
pub use start::start_in;
pub use start::{Writing, start, start_writing};

pub use crate::roster::ConnectionId;
#[cfg(feature = "sim")]
pub use crate::roster::HubId;
use crate::search::Search;
use ask::{Ask, Asker};
use batch::{Batch, Numbered};
use entry::Entry;
use events::event_frame;
use log::Log;
use lookups::Lookups;
use requests::hubs::HubGone;
use resume::Extent;
use router::Router;
use writer::Writer;

/// Commands received at once. Later ones join the same batch while the previous batch is written.
const TAKEN_MAX: usize = 256;
/// With at most this many requests, collected or waiting, the core writes the batch itself: there is little else to do
/// meanwhile. One sender usually has as many unanswered; splitting its window in two would cost it a second sync.
const WRITTEN_HERE_MAX: usize = 256;

/// All state, and the batches on their way.
struct CoreThread {
    writer: Writer,
    writing: Writing,
    lookups: Lookups,
    log: Log,
    router: Router,
    /// The newest message on disk. It is delivered when its batch is finished.
    committed: Arc<AtomicU64>,
    /// Told of each finished batch, so that its messages are indexed.
    search: Search,
    /// Notified of each write, for the task that watches the log's files.
    writes: Arc<Notify>,
    /// The collected requests, not yet proposed.
    next: Batch,
    /// A batch that is written and waits until the one before it is finished.
    written: Option<Batch>,
    /// An empty batch with the allocations of an earlier one.
    spare: Batch,
}

impl CoreThread {
    fn run(&mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut commands = Vec::new();
        loop {
            // `next` has room here: a turn that leaves none waits for the disk.
            let room = self.next.room().clamp(1, TAKEN_MAX);
            if inbox.blocking_recv_many(&mut commands, room) == 0 {
                return;
            }
            self.router.stamper.tick();
            self.router.take_returns();
            self.lookups.answer(&self.router.known);
            let mut stop = false;
            for command in commands.drain(..) {
                stop |= matches!(command, Command::Shutdown);
                self.collect(command);
            }
            while let Some(batch) = self.next_durable(inbox.len()) {
                self.finish_batch(batch);
            }
            self.router.flush();
            if stop {
                return self.stop(inbox);
            }
            if self.router.is_gone || self.log.is_over() {
                return self.router.close_all();
            }
            if self.writer.is_lost() {
                tracing::error!("the thread that writes the log has ended: the hub stops");
                return self.router.close_all();
            }
        }
    }

    /// Returns the next batch to finish: on disk, refused by the disk, or without need of it. Starts to write the batch
    /// behind it. Batches are finished in the order of their entries.
    fn next_durable(&mut self, waiting: usize) -> Option<Batch> {
        if let Some(batch) = self.written.take() {
            return Some(batch);
        }
        if self.writer.idle().is_none() {
            let done = if self.next.room() == 0 { self.writer.wait() } else { self.writer.poll() }?;
            // A later batch that needs no disk is finished after this one.
            if self.needs_store()
                && let Some(batch) = self.take_next()
            {
                // `begin` returns the batch if the thread is gone and the core wrote it itself. It is finished after
                // `done`.
                self.written = self.writer.begin(batch);
            }
            return Some(done);
        }
        if self.next.is_empty() && !self.log.brings() {
            return None;
        }
        if !self.needs_store() {
            return self.take_next();
        }
        let is_small = self.next.asks.len() + waiting <= WRITTEN_HERE_MAX;
        let mut batch = self.take_next()?;
        if is_small
            && self.writing == Writing::AsLoadHasIt
            && let Some(durable) = self.writer.idle()
        {
            self.lookups.during(&mut self.router.known, || durable.write(&mut batch));
            return Some(batch);
        }
        self.writer.begin(batch)
    }

    /// True if the next batch uses the disk, or if records are still to be written.
    fn needs_store(&mut self) -> bool {
        let has_due = self.writer.idle().is_some_and(|durable| durable.has_due());
        self.log.brings() || !self.next.is_empty() && (self.next.needs_store() || has_due)
    }

    /// Proposes the collected requests, and applies the log's next batch to the roster. The previous batch is on disk.
    fn take_next(&mut self) -> Option<Batch> {
        let mut batch = if self.log.has_room() {
            let proposed = std::mem::replace(&mut self.next, std::mem::take(&mut self.spare));
            self.log.propose(proposed, self.router.stamper.now())?
        } else {
            self.log.committed()?
        };
        if let Some(Numbered { hub, n, .. }) = batch.order.numbered {
            let says_up = batch.entries.iter().any(|entry| matches!(entry, Entry::HubUp(_)));
            if !self.router.known.roster.count(hub, n, says_up) {
                batch.pass_over();
            }
        }
        let committed = self.committed();
        let Router { known, stamper, epoch, .. } = &mut self.router;
        let log = Extent { epoch, committed };
        apply::apply_to_roster(&mut batch, &mut known.roster, log, &mut |kind, agent| {
            event_frame(stamper, kind, agent)
        });
        Some(batch)
    }

    /// After the commit: delivers, changes connections and answers, in the order of the requests.
    fn finish_batch(&mut self, mut batch: Batch) {
        let refusal = batch.refused.take().map(|error| {
            tracing::error!(%error, entries = batch.entries.len(), "the log refused a batch; its senders are told");
            unavailable(&error)
        });
        self.router.known.roster.records_saved(&batch.saved);
        let is_written = batch.is_lasting() || !batch.saved.is_empty();
        let Batch { entries, outcomes, asks, .. } = &mut batch;
        let mut applied = entries.drain(..).zip(outcomes.drain(..));
        for ask in asks.drain(..) {
            match ask {
                Ask::Entry(asker) => {
                    if let Some((entry, outcome)) = applied.next() {
                        entry.finish(outcome, asker, refusal.as_ref(), &mut self.router);
                    }
                }
                other => self.answer(other),
            }
        }
        // Entries of other hubs have no ask.
        for (entry, outcome) in applied {
            entry.finish(outcome, Asker::Nobody, refusal.as_ref(), &mut self.router);
        }
        self.search.committed(self.router.head);
        if is_written {
            self.writes.notify_one();
        }
        self.spare = batch.cleared();
    }

    /// Answers a request that changes nothing lasting.
    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Entry(_) => {}
            Ask::Observe { connection, after, outbox, answer } => {
                let _ = answer.send(self.router.observe(connection, after, outbox));
            }
            Ask::Reply { connection, frames } => {
                if let Some(index) = self.router.known.links.find_connection(connection) {
                    for frame in frames {
                        self.router.stage_reply(index, frame);
                    }
                }
            }
            Ask::Refused { connection, id, refusal } => self.router.refuse_request(connection, &id, &refusal),
            Ask::Presence { detail, answer } => {
                let _ = answer.send(self.router.known.roster.presence(detail));
            }
            Ask::Barrier(answer) => {
                let _ = answer.send(());
            }
            Ask::ResetWal { answer, done } => {
                let _ = answer.send(done.unwrap_or_else(|| Err(shutting_down())));
            }
            Ask::Probe { answer, done } => {
                let _ = answer.send(done.unwrap_or_else(|| Err(shutting_down())));
            }
        }
    }

    /// The last turn: finishes collected requests, refuses waiting ones, and closes every connection.
    fn stop(&mut self, mut inbox: mpsc::Receiver<Command>) {
        inbox.close();
        self.finish_all();
        while let Ok(command) = inbox.try_recv() {
            self.refuse_stopping(command);
        }
        let (hub, at) = (self.router.hub, self.router.stamper.now());
        self.next.propose(Entry::HubGone(HubGone { hub, at }), Asker::Nobody);
        self.finish_all();
        self.router.flush();
        self.router.close_all();
    }

    /// Finishes all collected requests.
    fn finish_all(&mut self) {
        loop {
            match self.writer.wait().or_else(|| self.next_durable(0)) {
                Some(batch) => self.finish_batch(batch),
                // `next_durable` has just given the thread a batch.
                None if self.writer.idle().is_none() && !self.writer.is_lost() => {}
                None if self.log.brings() => {}
                None => return,
            }
        }
    }

    /// The newest message on disk, delivered or about to be.
    fn committed(&self) -> Seq {
        Seq::new(self.committed.load(Ordering::Acquire)).unwrap_or(self.router.head)
    }
}
