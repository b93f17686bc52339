//! The core: one thread that owns all state. Commands become entries, and the entries of a batch go through three steps
//! in their order: they are **ordered** (the roster changes), **made durable** (one transaction), and after the commit
//! **finished**: messages are delivered, connections change, requests are answered. While one batch is made durable,
//! the next is ordered and the one before is finished.
//!
//! Nothing here waits for a socket, a reader or another host.
//!
//! - [`command`]: what can be asked. [`handle`]: how it is asked.
//! - `entry`, `message`, `batch`: what goes through the steps. `collect`: how commands become entries.
//! - `order`, `durable`: the first two steps; `writer`: on which thread.
//! - `place`: where a register starts.
//! - [`accept`]: messages. `calls`: notes on calls to other hosts. [`sessions`]: who joins and leaves.
//!   [`agents`]: replies and events.
//! - `named`: what is done for an agent over HTTP. `waits`: who waits for messages there.
//! - [`lookups`]: what is answered from memory, also while the disk is slow.
//! - [`stamp`]: the clock and the frames that the hub itself makes.

mod accept;
mod agents;
mod batch;
mod calls;
mod collect;
mod command;
mod durable;
mod entry;
mod handle;
mod lookups;
mod message;
mod named;
mod order;
mod place;
mod receipts;
mod returns;
mod sessions;
mod stamp;
mod waits;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use orochi_protocol::{CloseCode, Refusal, Seq};
use tokio::sync::{mpsc, oneshot, watch};

pub use crate::clock::system_clock;
pub use agents::not_registered;
pub use command::{Accepted, AgentAction, CallKey, Command, NamedAction, Stats};
pub use handle::{Core, beyond_log, no_such_message, shutting_down, unavailable};
pub use stamp::stray_frame;
pub use waits::Watch;

use crate::delivery::ring::Ring;
pub use crate::registry::ConnectionId;
use crate::registry::{ConnectionIndex, Registry};
use crate::search::Search;
use crate::store::{Loaded, Reads, Store};
use batch::Batch;
use durable::Durable;
use entry::Entry;
use lookups::Lookups;
use returns::Returns;
use stamp::Stamper;
use waits::Waits;
use writer::Writer;

/// Commands that may wait. A sender that finds no room waits, which slows its own socket only.
const COMMANDS_MAX: usize = 8 * 1024;
/// Commands that are taken at once. Those behind them join the same batch while the one before is brought to disk.
const TAKEN_MAX: usize = 256;
/// Entries and waiting commands up to which the core brings a batch to disk by itself: there is little to do meanwhile.
/// As many as one sender usually has under way: to cut its window in two would cost it a second sync.
const WRITTEN_HERE_MAX: usize = 256;

/// Where batches are brought to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// By the core while little is asked, else beside it.
    AsLoadHasIt,
    /// Always beside the core: what tests of the promise run with, too.
    AlwaysBeside,
}

/// Starts the core thread. The handle is for everyone else; the thread ends after [`Command::Shutdown`].
///
/// # Errors
/// Where the system has no thread to give.
pub fn start(store: Store, loaded: Loaded, reads: Reads) -> std::io::Result<(Core, JoinHandle<()>)> {
    start_writing(store, loaded, reads, Writing::AsLoadHasIt)
}

/// The same with a choice of where batches are brought to disk.
///
/// # Errors
/// Where the system has no thread to give.
pub fn start_writing(
    store: Store,
    loaded: Loaded,
    reads: Reads,
    writing: Writing,
) -> std::io::Result<(Core, JoinHandle<()>)> {
    let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
    let head = Arc::new(AtomicU64::new(loaded.head.get()));
    let (stopped, stopping) = watch::channel(false);
    let (lookups, returns) = (Lookups::default(), Returns::default());
    let search = Search::start(&reads, &loaded.epoch, Arc::clone(&head))?;
    let committed = Arc::new(AtomicU64::new(loaded.head.get()));
    let durable = Durable::new(store, loaded.head, Arc::clone(&committed));
    let writer = Writer::new(durable, commands.downgrade());
    let core = Core::new(
        commands,
        (lookups.clone(), returns.clone()),
        reads,
        search.clone(),
        loaded.epoch.clone(),
        Arc::clone(&head),
        stopping,
    );
    let waits = core.waits();
    let thread = std::thread::Builder::new().name("orochi-core".to_owned()).spawn(move || {
        let mut thread = CoreThread {
            writer,
            writing,
            lookups,
            returns,
            waits,
            registry: Registry::new(loaded.agents, loaded.channels),
            ring: Ring::new(loaded.head),
            stamper: Stamper::new(loaded.last_ts),
            epoch: loaded.epoch,
            head: loaded.head,
            shared_head: head,
            committed,
            search,
            next: Batch::default(),
            written: None,
            spare: Batch::default(),
            touched: Vec::new(),
        };
        thread.run(inbox);
        let CoreThread { writer, lookups, search, .. } = thread;
        lookups.close();
        search.stop();
        writer.close();
        // Only now: whoever waits for it may open the file again.
        let _ = stopped.send(true);
    })?;
    Ok((core, thread))
}

/// All state, and the batch that is being made.
struct CoreThread {
    writer: Writer,
    writing: Writing,
    lookups: Lookups,
    returns: Returns,
    waits: Waits,
    registry: Registry,
    ring: Ring,
    stamper: Stamper,
    epoch: String,
    /// The newest message that is on disk and was delivered.
    head: Seq,
    /// The same for readers on other threads.
    shared_head: Arc<AtomicU64>,
    /// The newest message on disk, which is delivered as soon as its batch is finished.
    committed: Arc<AtomicU64>,
    /// Indexes what was committed.
    search: Search,
    /// The entries that were ordered and wait for the disk.
    next: Batch,
    /// A batch that is on disk and waits for the one before it.
    written: Option<Batch>,
    /// The space of an earlier batch.
    spare: Batch,
    /// Connections for which frames are staged.
    touched: Vec<ConnectionIndex>,
}

impl CoreThread {
    fn run(&mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut commands = Vec::new();
        loop {
            // There is room: with none left a turn waits for the disk.
            let room = self.next.room().clamp(1, TAKEN_MAX);
            if inbox.blocking_recv_many(&mut commands, room) == 0 {
                return;
            }
            self.stamper.tick();
            self.take_returns();
            self.lookups.answer(&self.registry);
            let mut stop = false;
            for command in commands.drain(..) {
                stop |= matches!(command, Command::Shutdown);
                self.collect(command);
            }
            while let Some(batch) = self.next_durable(inbox.len()) {
                self.finish_batch(batch);
            }
            self.flush();
            if stop {
                return self.stop(inbox);
            }
            if self.writer.is_lost() {
                tracing::error!("the thread that writes the log has ended: the hub stops");
                return self.close_all();
            }
        }
    }

    /// The next batch that is to be finished: it is on disk, was refused, or needs no disk. While it is finished here,
    /// the one behind it is brought to disk. Batches are finished in the order of their entries.
    fn next_durable(&mut self, waiting: usize) -> Option<Batch> {
        if let Some(batch) = self.written.take() {
            return Some(batch);
        }
        if self.writer.idle().is_none() {
            let done = if self.next.room() == 0 { self.writer.wait() } else { self.writer.poll() }?;
            // A later one that needs no disk is finished behind this one.
            if self.needs_store() {
                let batch = self.take_next();
                // Where the thread has ended since, it was written here, and is finished behind this one.
                self.written = self.writer.begin(batch);
            }
            return Some(done);
        }
        if self.next.is_empty() {
            return None;
        }
        if !self.needs_store() {
            return Some(self.take_next());
        }
        let is_small = self.next.entries.len() + waiting <= WRITTEN_HERE_MAX;
        let mut batch = self.take_next();
        if is_small
            && self.writing == Writing::AsLoadHasIt
            && let Some(durable) = self.writer.idle()
        {
            self.lookups.during(&mut self.registry, || durable.write(&mut batch));
            return Some(batch);
        }
        self.writer.begin(batch)
    }

    /// Whether the next batch has to do with the disk, or records are still to be written.
    fn needs_store(&mut self) -> bool {
        let has_due = self.writer.idle().is_some_and(|durable| durable.has_due());
        !self.next.is_empty() && (self.next.needs_store() || has_due || self.registry.roster.must_write())
    }

    /// The next batch, with the records that its entries changed.
    fn take_next(&mut self) -> Batch {
        let mut batch = std::mem::replace(&mut self.next, std::mem::take(&mut self.spare));
        batch.now = self.stamper.now();
        if batch.is_lasting() || self.registry.roster.must_write() {
            batch.due = self.registry.roster.take_due();
        }
        batch
    }

    /// After the commit: delivers, changes connections and answers, in the order of the entries.
    fn finish_batch(&mut self, mut batch: Batch) {
        let refusal = batch.refused.take().map(|error| {
            tracing::error!(%error, entries = batch.entries.len(), "the log refused a batch; its senders are told");
            unavailable(&error)
        });
        self.registry.roster.records_saved(&batch.saved);
        for entry in batch.entries.drain(..) {
            self.finish(entry, refusal.as_ref());
        }
        self.search.committed(self.head);
        self.spare = batch.cleared();
    }

    /// Does what an entry is for after the commit, or with `refusal` after the disk has refused it.
    fn finish(&mut self, entry: Entry, refusal: Option<&Refusal>) {
        match entry {
            Entry::Message(pending) => self.finish_message(pending, refusal),
            Entry::Register(registering) => self.finish_register(*registering),
            Entry::Change(change) => self.finish_change(change, refusal),
            Entry::Named(named) => self.finish_named(*named, refusal),
            Entry::Disconnect { connection, event, .. } => self.finish_disconnect(connection, event),
            Entry::Call { note, noted } => note.finish(noted, refusal),
            Entry::SignOut { answer, .. } => {
                let _ = answer.send(refusal.map_or(Ok(()), |refusal| Err(refusal.clone())));
            }
            Entry::Observe { connection, after, outbox, answer } => {
                let _ = answer.send(self.observe(connection, after, outbox));
            }
            Entry::Reply { connection, frames } => {
                if let Some(index) = self.registry.find_connection(connection) {
                    for frame in frames {
                        self.stage_reply(index, frame);
                    }
                }
            }
            Entry::Refused { connection, id, refusal } => {
                if let Some(index) = self.registry.find_connection(connection) {
                    self.registry.connection_mut(index).answered += 1;
                    self.refuse(index, &refusal, Some(&id));
                }
            }
            Entry::Presence { detail, answer } => {
                let _ = answer.send(self.registry.presence(detail));
            }
            Entry::Barrier(answer) => {
                let _ = answer.send(());
            }
            Entry::ResetWal { answer, done } => {
                let _ = answer.send(done.unwrap_or_else(|| Err(shutting_down())));
            }
            Entry::Probe { answer, done } => {
                let _ = answer.send(done.unwrap_or_else(|| Err(shutting_down())));
            }
        }
    }

    /// The last turn: what was ordered is finished, what still waits is refused, every connection is told to close.
    fn stop(&mut self, mut inbox: mpsc::Receiver<Command>) {
        inbox.close();
        self.finish_all();
        while let Ok(command) = inbox.try_recv() {
            self.refuse_stopping(command);
        }
        self.registry.roster.touch_online(self.stamper.now());
        let (answer, _) = oneshot::channel();
        // An entry that asks for nothing: the records that are due go with it.
        self.order(Entry::Barrier(answer));
        self.finish_all();
        self.flush();
        self.close_all();
    }

    fn close_all(&self) {
        for (_, connection) in self.registry.connections() {
            connection.outbox.close(CloseCode::GoingAway);
        }
    }

    /// Finishes everything that was ordered.
    fn finish_all(&mut self) {
        loop {
            match self.writer.wait().or_else(|| self.next_durable(0)) {
                Some(batch) => self.finish_batch(batch),
                // The thread has just got it.
                None if self.writer.idle().is_none() && !self.writer.is_lost() => {}
                None => return,
            }
        }
    }

    fn set_head(&mut self, head: Seq) {
        self.head = head;
        self.shared_head.store(head.get(), Ordering::Release);
    }
}
