//! The core: one thread that owns all state. A turn takes the commands that wait, up to 256, and has three steps:
//! it **collects** them as entries, **applies** the entries in their order and in one transaction, and after the
//! commit **finishes** them in the same order: messages are delivered, connections change, requests are answered.
//!
//! Nothing here waits for a socket, a reader or another host.
//!
//! - [`command`]: what can be asked. [`handle`]: how it is asked.
//! - `entry`: what a turn is made of. `apply`: the transaction. `place`: where a register starts.
//! - [`accept`]: messages. `calls`: notes on calls to other hosts. [`sessions`]: who joins and leaves.
//!   [`agents`]: replies and events.
//! - [`lookups`]: what is answered from memory, also while the disk is slow.
//! - [`ring`]: the newest messages, from which a connection that has read the log is switched to live.
//! - [`stamp`]: the clock and the frames that the hub itself makes.

mod accept;
mod agents;
mod apply;
mod calls;
mod command;
mod entry;
mod handle;
mod lookups;
mod place;
mod receipts;
mod sessions;
mod stamp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use orochi_protocol::reply::CaughtUp;
use orochi_protocol::{CloseCode, Refusal, Seq};
use tokio::sync::{mpsc, watch};

pub use crate::clock::system_clock;
pub use agents::not_registered;
pub use command::{Accepted, AgentAction, CallKey, Command, Stats};
pub use handle::{Core, beyond_log, no_such_message, shutting_down, unavailable};
pub use stamp::stray_frame;

use crate::delivery::ring::Ring;
pub use crate::registry::ConnectionId;
use crate::registry::{ConnectionIndex, Registry};
use crate::search::Search;
use crate::store::{Loaded, Reads, Store};
use entry::Entry;
use lookups::Lookups;
use stamp::Stamper;

/// Commands that one turn takes: enough that an fsync is shared by many, few enough that the first of them
/// does not wait long.
const BATCH_MAX: usize = 256;
/// Commands that may wait. A sender that finds no room waits, which slows its own socket only.
const COMMANDS_MAX: usize = 4096;

/// Starts the core thread. The handle is for everyone else; the thread ends after [`Command::Shutdown`].
///
/// # Errors
/// Where the system has no thread to give.
pub fn start(store: Store, loaded: Loaded, reads: Reads) -> std::io::Result<(Core, JoinHandle<()>)> {
    let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
    let head = Arc::new(AtomicU64::new(loaded.head.get()));
    let (stopped, stopping) = watch::channel(false);
    let lookups = Lookups::default();
    let search = Search::start(&reads, &loaded.epoch, Arc::clone(&head))?;
    let core =
        Core::new(commands, lookups.clone(), reads, search.clone(), loaded.epoch.clone(), Arc::clone(&head), stopping);
    let thread = std::thread::Builder::new().name("orochi-core".to_owned()).spawn(move || {
        let mut thread = CoreThread {
            store,
            lookups,
            registry: Registry::new(loaded.agents, loaded.channels),
            ring: Ring::new(loaded.head),
            stamper: Stamper::new(loaded.last_ts),
            epoch: loaded.epoch,
            head: loaded.head,
            shared_head: head,
            search,
            entries: Vec::with_capacity(BATCH_MAX),
            touched: Vec::new(),
        };
        thread.run(inbox);
        let CoreThread { store, lookups, search, .. } = thread;
        lookups.close();
        search.stop();
        store.close();
        // Only now: whoever waits for it may open the file again.
        let _ = stopped.send(true);
    })?;
    Ok((core, thread))
}

/// All state, and the batch that is being made.
struct CoreThread {
    store: Store,
    lookups: Lookups,
    registry: Registry,
    ring: Ring,
    stamper: Stamper,
    epoch: String,
    /// The newest message that is on disk and was delivered.
    head: Seq,
    /// The same for readers on other threads.
    shared_head: Arc<AtomicU64>,
    /// Indexes what was committed.
    search: Search,
    /// The entries of the turn.
    entries: Vec<Entry>,
    /// Connections for which frames are staged.
    touched: Vec<ConnectionIndex>,
}

impl CoreThread {
    fn run(&mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut commands = Vec::with_capacity(BATCH_MAX);
        loop {
            if inbox.blocking_recv_many(&mut commands, BATCH_MAX) == 0 {
                return;
            }
            self.stamper.tick();
            self.lookups.answer(&self.registry);
            let mut stop = false;
            for command in commands.drain(..) {
                stop |= matches!(command, Command::Shutdown);
                self.collect(command);
            }
            self.turn();
            if stop {
                return self.stop(inbox);
            }
        }
    }

    /// Applies what was collected, and after the commit finishes it in the same order.
    fn turn(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        let refusal = self.apply(&mut entries).err().map(|error| {
            tracing::error!(%error, entries = entries.len(), "the log refused a batch; its senders are told");
            unavailable(&error)
        });
        for entry in entries.drain(..) {
            self.finish(entry, refusal.as_ref());
        }
        self.search.committed(self.head);
        // Empty by now; the space is used again for the next turn.
        self.entries = entries;
        self.flush();
    }

    /// Does what an entry is for after the commit, or with `refusal` after the disk has refused it.
    fn finish(&mut self, entry: Entry, refusal: Option<&Refusal>) {
        match entry {
            Entry::Message(pending) => self.finish_message(pending, refusal),
            Entry::Register(registering) => self.finish_register(*registering),
            Entry::Change(change) => self.finish_change(change, refusal),
            Entry::Disconnect { connection, event, .. } => self.finish_disconnect(connection, event),
            Entry::Call { note, noted } => note.finish(noted, refusal),
            Entry::SignOut { answer, .. } => {
                let _ = answer.send(refusal.map_or(Ok(()), |refusal| Err(refusal.clone())));
            }
            Entry::Observe { connection, after, outbox, answer } => {
                let _ = answer.send(self.observe(connection, after, outbox));
            }
            Entry::CaughtUp { connection, position } => self.caught_up(connection, position),
            Entry::Reply { connection, frames } => {
                if let Some(index) = self.registry.find_connection(connection) {
                    for frame in frames {
                        self.stage_reply(index, frame);
                    }
                }
            }
            Entry::Refused { connection, id, refusal } => {
                if let Some(index) = self.registry.find_connection(connection) {
                    self.refuse(index, &refusal, Some(&id));
                }
            }
            Entry::Presence { detail, answer } => {
                let _ = answer.send(self.registry.presence(detail));
            }
            Entry::Barrier(answer) => {
                let _ = answer.send(());
            }
            Entry::ResetWal(answer) => {
                let reset = self.lookups.during(&mut self.registry, || self.store.reset_wal());
                let _ = answer.send(reset.map_err(|error| unavailable(&error)));
            }
            Entry::Probe(answer) => {
                let probed = self.lookups.during(&mut self.registry, || self.store.probe());
                let _ = answer.send(probed.map_err(|error| unavailable(&error)));
            }
        }
    }

    /// Hands every touched connection its frames of this batch, each under one lock.
    fn flush(&mut self) {
        for index in std::mem::take(&mut self.touched) {
            // A connection that was touched can be gone by now.
            let Some(connection) = self.registry.get_connection_mut(index) else { continue };
            sessions::hand_over(connection, self.head);
            // What did not fit the outbox is read from the log first.
            if connection.is_live
                && let Some(id) = connection.resuming.take()
            {
                let caught_up = CaughtUp { seq: self.head, r#ref: &id };
                connection.outbox.reply(self.stamper.frame("caught_up", &caught_up));
            }
        }
    }

    /// The last turn: what still waits is refused, every connection is told to close.
    fn stop(&mut self, mut inbox: mpsc::Receiver<Command>) {
        inbox.close();
        while let Ok(command) = inbox.try_recv() {
            self.refuse_stopping(command);
        }
        self.note_all_seen();
        self.turn();
        for (_, connection) in self.registry.connections() {
            connection.outbox.close(CloseCode::GoingAway);
        }
    }

    fn set_head(&mut self, head: Seq) {
        self.head = head;
        self.shared_head.store(head.get(), Ordering::Release);
    }
}
