//! How a core begins: what the log holds becomes its state, and its first batch says that the hub before it is gone and
//! that this one is there. A hub that was killed and one that was stopped begin in the same way.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, watch};

use super::apply::{self, Tell};
use super::ask::Asker;
use super::batch::Batch;
use super::durable::Durable;
use super::entry::Entry;
use super::events::event_frame;
use super::known::Known;
#[cfg(feature = "sim")]
use super::log::sim::World;
use super::log::{Local, Log};
use super::lookups::Lookups;
use super::returns::Returns;
use super::stamp::Stamper;
use super::writer::Writer;
use super::{Core, CoreThread};
use crate::delivery::ring::Ring;
use crate::links::Links;
use crate::roster::{HubId, Roster};
use crate::search::Search;
use crate::store::{Loaded, Reads, Store};

/// Commands that may wait. A sender that finds no room waits, which slows its own socket only.
const COMMANDS_MAX: usize = 8 * 1024;

/// Where batches are brought to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// By the core while little is asked, else beside it.
    AsLoadHasIt,
    /// Always beside the core: what tests of the promise run with, too.
    AlwaysBeside,
}

/// Starts the core thread. The handle is for everyone else; the thread ends after [`super::Command::Shutdown`].
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
    start_with(store, loaded, reads, writing, Origin::Alone)
}

/// Starts a hub that shares its log with others. It takes the place of `previous`, which wrote the file before it.
///
/// # Errors
/// Where the system has no thread to give.
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

/// Where the order of this hub's batches comes from.
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
    let mut thread = CoreThread {
        writer,
        writing,
        lookups,
        returns,
        waits: core.waits(),
        known,
        log,
        ring: Ring::new(loaded.head),
        stamper,
        epoch: loaded.epoch,
        head: loaded.head,
        shared_head,
        committed,
        search,
        next,
        written: None,
        spare: Batch::default(),
        touched: Vec::new(),
        is_gone: false,
    };
    let handle = std::thread::Builder::new().name("orochi-core".to_owned()).spawn(move || {
        thread.run(inbox);
        let CoreThread { writer, lookups, search, .. } = thread;
        lookups.close();
        search.stop();
        writer.close();
        // Only now: whoever waits for it may open the file again.
        let _ = stopped.send(true);
    })?;
    Ok((core, handle))
}

/// The log of a hub alone, with its first batch in it. Nobody is connected yet, so nobody is told.
fn begin(loaded: &Loaded, known: &mut Known, durable: &mut Durable, stamper: &mut Stamper) -> Log {
    let (before, alive_until) = loaded.hub;
    let mut log = Log::Local(Local::new(HubId(before + 1), loaded.aging.clone()));
    let mut batch = Batch::default();
    batch.propose(Entry::HubGone { hub: HubId(before), at: alive_until }, Asker::Nobody);
    batch.propose(Entry::HubUp { hub: log.hub() }, Asker::Nobody);
    if let Some(mut batch) = log.propose(batch, stamper.now()) {
        let tell: Tell<'_> = &mut |kind, agent| event_frame(stamper, kind, agent);
        apply::apply(&mut batch, &mut known.roster, durable, &loaded.epoch, tell);
        if let Some(error) = batch.refused {
            tracing::error!(%error, "the log refused the hub's first batch; agents' records go with the next one");
        }
    }
    log
}

/// The log that several hubs share, and the first batch that this one proposes.
#[cfg(feature = "sim")]
fn begin_in(
    world: &World,
    previous: Option<HubId>,
    loaded: &Loaded,
    roster: &mut Roster,
    commands: &mpsc::Sender<super::Command>,
) -> (Log, Batch) {
    roster.share(&loaded.shared);
    let log = Log::Sim(world.join(loaded.shared.place, commands.downgrade()));
    let mut next = Batch::default();
    if let Some(hub) = previous {
        next.propose(Entry::HubGone { hub, at: loaded.hub.1 }, Asker::Nobody);
    }
    next.propose(Entry::HubUp { hub: log.hub() }, Asker::Nobody);
    // Its first turn comes without being asked for anything.
    let _ = commands.try_send(super::Command::Written);
    (log, next)
}
