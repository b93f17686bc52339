//! A log that several hubs share, in one process and for tests: a total order with a seed. A proposal may be dropped,
//! duplicated, delayed or reordered. Hubs are killed, and declared gone while they live. A hub resends all of its
//! unconfirmed proposals, from the first one on, as it would over a network.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orochi_protocol::Timestamp;
use tokio::sync::mpsc::WeakSender;

use crate::core::Command;
use crate::core::ask::Ask;
use crate::core::batch::{Batch, Numbered, Order};
use crate::core::entry::Entry;
use crate::roster::HubId;
use crate::store::Age;

/// Batches of one hub that may be under way.
const UNDER_WAY_MAX: usize = 4;
/// The time of the first batch, and the interval to each next one, in microseconds.
const STARTS: i64 = 1_700_000_000_000_000;
const STEP: i64 = 1000;

/// The order of all hubs, and the proposals on the way to it. A clone is another handle to the same.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

struct State {
    /// The state of a splitmix64 generator.
    random: u64,
    order: Vec<Proposal>,
    on_the_way: Vec<Proposal>,
    /// Second copies, which arrive long after the first.
    late: Vec<Proposal>,
    members: BTreeMap<HubId, Reader>,
}

/// One hub's progress.
struct Reader {
    read: usize,
    under_way: usize,
    is_killed: bool,
    core: WeakSender<Command>,
}

#[derive(Clone)]
struct Proposal {
    hub: HubId,
    n: u64,
    entries: Arc<Vec<Entry>>,
}

impl World {
    /// An empty order; the seed decides the faults.
    pub fn new(seed: u64) -> Self {
        let state = State {
            random: seed,
            order: Vec::new(),
            on_the_way: Vec::new(),
            late: Vec::new(),
            members: BTreeMap::new(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Adds a hub that has applied the order up to `position`.
    pub(crate) fn join(&self, position: u64, core: WeakSender<Command>) -> Member {
        let mut state = self.lock();
        let hub = HubId(state.members.len() as u64 + 1);
        let read = usize::try_from(position).unwrap_or(usize::MAX);
        state.members.insert(hub, Reader { read, under_way: 0, is_killed: false, core });
        Member { world: self.clone(), hub, last: 0, under_way: VecDeque::new() }
    }

    /// Returns the hub that joined last.
    pub fn newest(&self) -> HubId {
        HubId(self.lock().members.len() as u64)
    }

    /// Kills a hub: it proposes nothing more, and reads nothing.
    pub fn kill(&self, hub: HubId) {
        let mut state = self.lock();
        if let Some(reader) = state.members.get_mut(&hub) {
            reader.is_killed = true;
            wake(&reader.core);
        }
    }

    /// True if these hubs have read the whole order and have no batch under way.
    pub fn is_settled(&self, hubs: &[HubId]) -> bool {
        let state = self.lock();
        let end = state.order.len();
        hubs.iter().filter_map(|hub| state.members.get(hub)).all(|hub| hub.read == end && hub.under_way == 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

impl State {
    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    /// Sends a proposal: it is kept, lost, or duplicated, with the copy soon or much later.
    fn send(&mut self, proposal: Proposal) {
        if !self.late.is_empty() && self.random(2) == 0 {
            let at = self.random(self.late.len() as u64);
            let late = self.late.swap_remove(usize::try_from(at).unwrap_or(0));
            self.on_the_way.push(late);
        }
        match self.random(8) {
            0 => return,
            1 => self.on_the_way.push(proposal.clone()),
            2 | 3 => self.late.push(proposal.clone()),
            _ => {}
        }
        self.on_the_way.push(proposal);
    }

    /// Lets time pass: one random proposal under way gets its position in the order, or none does.
    fn step(&mut self) {
        if self.on_the_way.is_empty() || self.random(4) == 0 {
            return;
        }
        let at = self.random(self.on_the_way.len() as u64);
        let arrived = self.on_the_way.swap_remove(usize::try_from(at).unwrap_or(0));
        self.order.push(arrived);
        self.members.values().for_each(|member| wake(&member.core));
    }
}

/// If the queue is full, the core is awake and checks by itself.
fn wake(core: &WeakSender<Command>) {
    if let Some(core) = core.upgrade() {
        let _ = core.try_send(Command::Written);
    }
}

/// One hub's part in the order.
pub(crate) struct Member {
    world: World,
    hub: HubId,
    /// The number of the last proposed batch.
    last: u64,
    under_way: VecDeque<(Proposal, Vec<Ask>)>,
}

impl Member {
    pub(super) fn hub(&self) -> HubId {
        self.hub
    }

    pub(super) fn has_room(&self) -> bool {
        self.under_way.len() < UNDER_WAY_MAX
    }

    pub(super) fn propose(&mut self, mut batch: Batch) -> Option<Batch> {
        if batch.entries.is_empty() {
            // Queries wait behind the batches that were proposed before them.
            let Some((_, asks)) = self.under_way.back_mut() else {
                return if batch.is_empty() { self.committed() } else { Some(batch) };
            };
            asks.append(&mut batch.asks);
        } else {
            self.last += 1;
            let proposal = Proposal { hub: self.hub, n: self.last, entries: Arc::new(batch.entries) };
            let mut state = self.world.lock();
            state.send(proposal.clone());
            self.under_way.push_back((proposal, batch.asks));
            if let Some(reader) = state.members.get_mut(&self.hub) {
                reader.under_way = self.under_way.len();
            }
        }
        self.committed()
    }

    pub(super) fn committed(&mut self) -> Option<Batch> {
        let mut state = self.world.lock();
        state.step();
        let position = match state.members.get(&self.hub) {
            Some(reader) if !reader.is_killed => reader.read,
            _ => return None,
        };
        let Some(arrived) = state.order.get(position).cloned() else {
            if !self.under_way.is_empty() {
                if !state.on_the_way.iter().any(|proposal| proposal.hub == self.hub) {
                    self.under_way.iter().for_each(|(proposal, _)| state.send(proposal.clone()));
                }
                wake(&state.members[&self.hub].core);
            }
            return None;
        };
        let is_awaited = |(first, _): &(Proposal, Vec<Ask>)| first.hub == arrived.hub && first.n == arrived.n;
        let own = if self.under_way.front().is_some_and(is_awaited) { self.under_way.pop_front() } else { None };
        if let Some(reader) = state.members.get_mut(&self.hub) {
            (reader.read, reader.under_way) = (position + 1, self.under_way.len());
        }
        drop(state);
        let ts = Timestamp::from_micros(STARTS + STEP * i64::try_from(position).unwrap_or(0));
        let numbered = Some(Numbered { hub: arrived.hub, position: position as u64 + 1, n: arrived.n });
        let order = Order { ts, age: Age::default(), numbered };
        let entries = Vec::clone(&arrived.entries);
        Some(Batch::committed(entries, order, own.map(|(_, asks)| asks).unwrap_or_default()))
    }

    pub(super) fn brings(&self) -> bool {
        let state = self.world.lock();
        let Some(reader) = state.members.get(&self.hub) else { return false };
        !reader.is_killed && (!self.under_way.is_empty() || reader.read < state.order.len())
    }

    pub(super) fn is_killed(&self) -> bool {
        self.world.lock().members.get(&self.hub).is_none_or(|reader| reader.is_killed)
    }
}
