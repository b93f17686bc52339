//! The start of a core: its state is loaded from the log, and its first batch records that the previous hub is gone and
//! that this one is up. A killed hub and a stopped hub start the same way.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, watch};

use super::apply;
use super::ask::Asker;
use super::batch::Batch;
use super::change::Tell;
use super::durable::Durable;
use super::entry::Entry;
use super::events::event_frame;
use super::known::Known;
#[cfg(feature = "sim")]
use super::log::sim::World;
use super::log::{Local, Log};
use super::lookups::Lookups;
use super::requests::hubs::{HubGone, HubUp};
use super::returns::Returns;
use super::router::Router;
use super::stamp::Stamper;
use super::writer::Writer;
use super::{Core, CoreThread};
use crate::delivery::ring::Ring;
use crate::links::Links;
use crate::roster::{HubId, Roster};
use crate::search::Search;
use crate::store::{Loaded, Reads, Store};

/// Commands that may wait. When the queue is full, a sender waits, which slows only its own socket.
const COMMANDS_MAX: usize = 8 * 1024;

/// The thread that writes batches to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// The core's own at low load, otherwise the writer's.
    AsLoadHasIt,
    /// Always the writer's; the tests of the promise run in this mode too.
    AlwaysBeside,
}

/// Starts the core thread, which ends after [`super::Command::Shutdown`]. All other tasks use the returned handle.
///
/// # Errors
/// Fails if the system can't start a thread.
pub fn start(store: Store, loaded: Loaded, reads: Reads) -> std::io::Result<(Core, JoinHandle<()>)> {
    start_writing(store, loaded, reads, Writing::AsLoadHasIt)
}

/// As [`start`], with a choice of the thread that writes batches.
///
/// # Errors
/// Fails if the system can't start a thread.
pub fn start_writing(
    store: Store,
    loaded: Loaded,
    reads: Reads,
    writing: Writing,
) -> std::io::Result<(Core, JoinHandle<()>)> {
    start_with(store, loaded, reads, writing, Origin::Alone)
}

/// Starts a hub that shares its log with others. It replaces `previous`, which wrote the file before.
///
/// # Errors
/// Fails if the system can't start a thread.
#[cfg(feature = "sim")]
pub fn start_in(
    world: &World,
    previous: Option<HubId>,
    (store, loaded): (Store, Loaded),
    reads: Reads,
    writing: Writing,
) -> std::io::Result<(Core, JoinHandle<()>)> {
    start_with(store, loaded, reads, writing, Origin::In(world.clone(), previous))
}

/// The source of the order of this hub's batches.
enum Origin {
    Alone,
    #[cfg(feature = "sim")]
    In(World, Option<HubId>),
}

fn start_with(
    store: Store,
    mut loaded: Loaded,
    reads: Reads,
    writing: Writing,
    origin: Origin,
) -> std::io::Result<(Core, JoinHandle<()>)> {
    let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
    let [shared_head, committed] = [(); 2].map(|()| Arc::new(AtomicU64::new(loaded.head.get())));
    let (stopped, stopping) = watch::channel(false);
    let (lookups, returns) = (Lookups::default(), Returns::default());
    let search = Search::start(&reads, &loaded.epoch, Arc::clone(&shared_head))?;
    let roster = Roster::new(std::mem::take(&mut loaded.agents), &loaded.states);
    let mut known = Known { roster, links: Links::new(std::mem::take(&mut loaded.channels)) };
    let states = loaded.states.drain().filter_map(|(name, state)| Some((known.roster.find(&name)?, state))).collect();
    let mut durable = Durable::new(store, loaded.head, states, Arc::clone(&committed));
    let mut stamper = Stamper::new(loaded.last_ts);
    stamper.tick();
    let (log, next) = match origin {
        Origin::Alone => (begin(&loaded, &mut known, &mut durable, &mut stamper), Batch::default()),
        #[cfg(feature = "sim")]
        Origin::In(world, previous) => begin_in(&world, previous, &loaded, &mut known.roster, &commands),
    };
    let writer = Writer::new(durable, commands.downgrade());
    let (epoch, reached) = (loaded.epoch.clone(), Arc::clone(&shared_head));
    let core = Core::new(commands, (lookups.clone(), returns.clone()), reads, search.clone(), epoch, reached, stopping);
    let router = Router {
        hub: log.hub(),
        known,
        returns,
        waits: core.waits(),
        ring: Ring::new(loaded.head),
        stamper,
        epoch: loaded.epoch,
        head: loaded.head,
        shared_head,
        touched: Vec::new(),
        receivers: Vec::new(),
        is_gone: false,
    };
    let mut thread = CoreThread {
        writer,
        writing,
        lookups,
        log,
        router,
        committed,
        search,
        writes: core.writes(),
        next,
        written: None,
        spare: Batch::default(),
    };
    let handle = std::thread::Builder::new().name("orochi-core".to_owned()).spawn(move || {
        thread.run(inbox);
        let CoreThread { writer, lookups, search, .. } = thread;
        lookups.close();
        search.stop();
        writer.close();
        // Only now: a task that waits for this may open the file again.
        let _ = stopped.send(true);
    })?;
    Ok((core, handle))
}

/// Creates the log of a single hub, and applies its first batch. No connection exists yet, so no events are sent.
fn begin(loaded: &Loaded, known: &mut Known, durable: &mut Durable, stamper: &mut Stamper) -> Log {
    let (before, alive_until) = loaded.hub;
    let mut log = Log::Local(Local::new(HubId(before + 1), loaded.aging.clone()));
    let mut batch = Batch::default();
    batch.propose(Entry::HubGone(HubGone { hub: HubId(before), at: alive_until }), Asker::Nobody);
    batch.propose(Entry::HubUp(HubUp { hub: log.hub() }), Asker::Nobody);
    if let Some(mut batch) = log.propose(batch, stamper.now()) {
        let tell: Tell<'_> = &mut |kind, agent| event_frame(stamper, kind, agent);
        apply::apply(&mut batch, &mut known.roster, durable, &loaded.epoch, tell);
        if let Some(error) = batch.refused {
            tracing::error!(%error, "the log refused the hub's first batch; agents' records go with the next one");
        }
    }
    log
}

/// Joins the log that several hubs share. Returns it with the first batch that this hub proposes.
#[cfg(feature = "sim")]
fn begin_in(
    world: &World,
    previous: Option<HubId>,
    loaded: &Loaded,
    roster: &mut Roster,
    commands: &mpsc::Sender<super::Command>,
) -> (Log, Batch) {
    roster.share(&loaded.shared);
    let log = Log::Sim(world.join(loaded.shared.position, commands.downgrade()));
    let mut next = Batch::default();
    if let Some(hub) = previous {
        next.propose(Entry::HubGone(HubGone { hub, at: loaded.hub.1 }), Asker::Nobody);
    }
    next.propose(Entry::HubUp(HubUp { hub: log.hub() }), Asker::Nobody);
    // The first turn must start without a request.
    let _ = commands.try_send(super::Command::Written);
    (log, next)
}
