//! The core: one thread that owns all state. It takes the commands that wait, up to 256, gives messages
//! their place in the log, commits them in one transaction, and only then delivers them and answers.
//!
//! Nothing here waits for a socket, a reader or another host.
//!
//! - [`command`]: what can be asked. [`handle`]: how it is asked.
//! - [`accept`]: messages. [`sessions`]: who joins and leaves. [`agents`]: status, heartbeats, events.
//! - `calls`: notes on calls to other hosts.
//! - [`lookups`]: what is answered from memory, also while the disk is slow.
//! - [`ring`]: the newest messages, from which a connection that has read the log is switched to live.
//! - [`stamp`]: the clock and the frames that the hub itself makes.

mod accept;
mod agents;
mod calls;
mod command;
mod handle;
mod lookups;
mod receipts;
mod ring;
mod sessions;
mod stamp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use orochi_protocol::{CloseCode, Seq};
use tokio::sync::{mpsc, watch};

pub use agents::not_registered;
pub use command::{Accepted, AgentAction, CallKey, Command, Stats};
pub use handle::{Core, no_such_message, shutting_down, unavailable};
pub use stamp::{stray_frame, system_clock};

pub use crate::registry::ConnectionId;
use crate::registry::{ConnectionIndex, Registry};
use crate::store::{Loaded, Reads, Store};
use accept::Pending;
use calls::CallNote;
use lookups::Lookups;
use ring::Ring;
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
    let core = Core::new(commands, lookups.clone(), reads, loaded.epoch.clone(), Arc::clone(&head), stopping);
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
            pending: Vec::new(),
            calls: Vec::new(),
            after_commit: Vec::new(),
            touched: Vec::new(),
        };
        thread.run(inbox);
        let CoreThread { store, lookups, .. } = thread;
        lookups.close();
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
    /// The newest message on disk.
    head: Seq,
    /// The same for readers on other threads; written after each commit.
    shared_head: Arc<AtomicU64>,
    /// Messages of the batch that are not on disk yet.
    pending: Vec<Pending>,
    /// Notes on calls to other hosts, for the batch's transaction.
    calls: Vec<CallNote>,
    /// Replies that promise that agents' records are on disk: sent after the commit.
    after_commit: Vec<AfterCommit>,
    /// Connections for which frames are staged.
    touched: Vec<ConnectionIndex>,
}

/// An ack that waits for the commit.
struct AfterCommit {
    connection: ConnectionIndex,
    id: String,
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
                self.apply(command);
            }
            self.commit();
            self.flush();
            if stop {
                return self.stop(inbox);
            }
        }
    }

    /// Applies one command. Messages are only collected; what depends on the head, or changes who gets
    /// what, first brings the messages before it to disk.
    fn apply(&mut self, command: Command) {
        match command {
            Command::Agent { connection, id, action } => self.apply_action(connection, id, action),
            Command::Post { sender, id, draft, marks, answer } => {
                self.collect_post(sender, id, *draft, *marks, answer);
            }
            Command::Register { connection, id, name, register, outbox, answer } => {
                self.commit();
                let _ = answer.send(self.register(connection, &id, &name, &register, outbox));
            }
            Command::Observe { connection, after, outbox, answer } => {
                self.commit();
                let _ = answer.send(self.observe(connection, after, outbox));
            }
            Command::CaughtUp { connection, position } => {
                self.commit();
                self.caught_up(connection, position);
            }
            Command::Disconnect(connection) => {
                self.commit();
                self.disconnect(connection);
            }
            Command::Barrier(answer) => {
                self.commit();
                let _ = answer.send(());
            }
            Command::Receipts { asker, message, answer } => {
                let _ = answer.send(self.receipts(asker.as_ref(), &message));
            }
            Command::ResetWal(answer) => {
                self.commit();
                let reset = self.on_disk(Store::reset_wal);
                let _ = answer.send(reset.map_err(|error| unavailable(&error)));
            }
            Command::Probe(answer) => {
                if answer.is_closed() {
                    // Whoever asked has answered for himself by now.
                    return;
                }
                self.commit();
                let probed = self.on_disk(Store::probe);
                let _ = answer.send(probed.map_err(|error| unavailable(&error)));
            }
            Command::BeginCall { key, asked, answer } => self.calls.push(CallNote::Begin { key, asked, answer }),
            Command::EndCall { key, result, answer } => self.calls.push(CallNote::End { key, result, answer }),
            Command::EndSession { nonce, until, answer } => {
                let now = self.stamper.now();
                let ended = self.on_disk(|store| store.end_session(&nonce, until, now));
                let _ = answer.send(ended.map_err(|error| unavailable(&error)));
            }
            Command::Presence { detail, answer } => {
                let _ = answer.send(self.registry.presence(detail));
            }
            // It woke the core; each turn begins with the questions.
            Command::LookUp => {}
            Command::Shutdown => self.commit(),
        }
    }

    /// Hands every touched connection its frames of this batch, each under one lock.
    fn flush(&mut self) {
        for index in std::mem::take(&mut self.touched) {
            // A connection that was touched can be gone by now.
            if let Some(connection) = self.registry.get_connection_mut(index) {
                sessions::hand_over(connection, self.head);
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
        self.commit();
        self.flush();
        for (_, connection) in self.registry.connections() {
            connection.outbox.close(CloseCode::GoingAway);
        }
    }

    fn set_head(&mut self, head: Seq) {
        self.head = head;
        self.shared_head.store(head.get(), Ordering::Release);
    }

    /// Works on the disk. Meanwhile the registry can be looked at.
    fn on_disk<T>(&mut self, work: impl FnOnce(&mut Store) -> T) -> T {
        self.lookups.park(std::mem::take(&mut self.registry));
        let done = work(&mut self.store);
        self.registry = self.lookups.unpark();
        done
    }
}
