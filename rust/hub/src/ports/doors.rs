//! Seats for connections. Connections that have not authenticated (strangers) are limited and can lose their seat to a
//! newcomer; the others (members) keep theirs. The remaining descriptors are for the log's files and calls to other
//! hosts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// The time for which a stranger keeps its seat. A client's request follows its connection at once. But with many
/// seats, thousands of clients can come at once and need longer, so each seat adds to the time. During a flood of
/// strangers, a newcomer waits this time for each one before it in the queue, however many seats there are.
const GRACE_MIN: Duration = Duration::from_millis(100);
const GRACE_OF_SEAT: Duration = Duration::from_millis(2);
/// The interval at which a waiting task checks for a free seat.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The least time between two warnings of one kind.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The number of seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Seats for connections that have not authenticated.
    pub strangers: usize,
    /// Seats for connections that have.
    pub members: usize,
    /// The system's limit, for warnings.
    pub limit: usize,
}

/// All seats. Clones are cheap and share them.
#[derive(Debug, Clone)]
pub(crate) struct Doors(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    room: Room,
    /// A std mutex: it is held for a step in a small map, never over an await.
    seats: Mutex<Seats>,
    /// A seat became free, or a stranger authenticated.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Seats {
    /// The next seat's number.
    next: u64,
    /// Ordered by number, which is also by age.
    strangers: BTreeMap<u64, Stranger>,
    members: usize,
    /// All open sockets. Evicted strangers close theirs a moment later.
    open: usize,
    /// The time of each kind of warning.
    warned: BTreeMap<Trouble, Instant>,
}

#[derive(Debug)]
struct Stranger {
    evicted: Arc<Notify>,
    since: Instant,
}

/// The seat of one connection, for all that handle the connection.
#[derive(Debug)]
pub(super) struct Seat {
    doors: Doors,
    number: u64,
    /// The connection has authenticated. Changed only while the seats are locked.
    is_member: AtomicBool,
    evicted: Arc<Notify>,
}

/// Holds a seat for a socket. Dropping it frees the seat.
#[derive(Debug)]
pub(super) struct SeatGuard(Arc<Seat>);

impl Drop for SeatGuard {
    fn drop(&mut self) {
        self.0.doors.leave(&self.0);
    }
}

impl SeatGuard {
    pub(super) fn seat(&self) -> Arc<Seat> {
        Arc::clone(&self.0)
    }
}

impl Seat {
    /// Notes that the connection may stay. Returns false if it was evicted or there are too many members.
    pub(super) fn authenticate(&self) -> bool {
        self.is_member.load(Ordering::Relaxed) || self.doors.admit(self)
    }

    /// Waits until the connection has to give up this seat.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

/// The kinds of warnings. Each one is logged at most once a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Strangers,
    Members,
    Accepting,
}

impl Doors {
    /// Creates the seats.
    pub(crate) fn new(room: Room) -> Self {
        Self(Arc::new(Shared { room, seats: Mutex::default(), freed: Notify::new() }))
    }

    /// Waits until one more connection may be accepted.
    pub(super) async fn may_enter(&self) {
        while let Some(wait) = self.full_for() {
            // Both ports may wait for the same seat, so each checks again after a while.
            let _ = timeout(wait.min(LOOK_EVERY), self.0.freed.notified()).await;
        }
    }

    /// The least time until there is a seat for a newcomer. None if there is one, or if a stranger may be evicted.
    fn full_for(&self) -> Option<Duration> {
        let Room { strangers, members, .. } = self.0.room;
        let seats = self.seats();
        let leaving = seats.open - seats.strangers.len() - seats.members;
        if leaving > 0 && seats.open >= strangers.saturating_add(members) {
            return Some(LOOK_EVERY);
        }
        let (_, oldest) = seats.strangers.first_key_value()?;
        let is_full = seats.strangers.len() >= strangers;
        let young_for = grace(strangers).saturating_sub(oldest.since.elapsed());
        (is_full && !young_for.is_zero()).then_some(young_for)
    }

    /// Gives a seat to an accepted connection. If there is none, the oldest stranger is evicted.
    pub(super) fn enter(&self) -> SeatGuard {
        let mut seats = self.seats();
        if seats.strangers.len() >= self.0.room.strangers {
            seats.evict_oldest();
            if seats.is_due(Trouble::Strangers) {
                let most = self.0.room.strangers;
                tracing::warn!("{most} connections have not authenticated: the oldest of them are closed for new ones");
            }
        }
        let (number, evicted) = (seats.next, Arc::new(Notify::new()));
        seats.next += 1;
        seats.open += 1;
        seats.strangers.insert(number, Stranger { evicted: Arc::clone(&evicted), since: Instant::now() });
        SeatGuard(Arc::new(Seat { doors: self.clone(), number, is_member: AtomicBool::new(false), evicted }))
    }

    /// Turns a stranger into a member. Returns false if it was evicted or there are too many members.
    fn admit(&self, seat: &Seat) -> bool {
        let mut seats = self.seats();
        if seats.members >= self.0.room.members {
            if seats.is_due(Trouble::Members) {
                let Room { members, limit, .. } = self.0.room;
                tracing::warn!(
                    "{members} connections are open, more are refused: the system lets this process open {limit} files; \
                     raise that with `ulimit -n`, or LimitNOFILE where systemd starts it"
                );
            }
            return false;
        }
        if seats.strangers.remove(&seat.number).is_none() {
            return false;
        }
        seats.members += 1;
        seat.is_member.store(true, Ordering::Relaxed);
        drop(seats);
        self.0.freed.notify_one();
        true
    }

    /// Frees a seat.
    fn leave(&self, seat: &Seat) {
        let mut seats = self.seats();
        seats.open -= 1;
        if seat.is_member.load(Ordering::Relaxed) {
            seats.members -= 1;
        } else {
            // An evicted stranger is already removed.
            seats.strangers.remove(&seat.number);
        }
        drop(seats);
        self.0.freed.notify_one();
    }

    /// Handles a failed accept: logs it, and evicts the oldest stranger to free a descriptor.
    pub(super) fn cannot_accept(&self, error: &std::io::Error) {
        let mut seats = self.seats();
        if seats.is_due(Trouble::Accepting) {
            let (open, limit) = (seats.open, self.0.room.limit);
            tracing::warn!(%error, open, limit, "cannot accept connections; new ones wait, and open ones continue");
        }
        seats.evict_oldest();
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time for which a stranger keeps its seat, for this number of seats.
fn grace(seats: usize) -> Duration {
    GRACE_OF_SEAT.saturating_mul(u32::try_from(seats).unwrap_or(u32::MAX)).max(GRACE_MIN)
}

impl Seats {
    fn evict_oldest(&mut self) {
        if let Some((_, stranger)) = self.strangers.pop_first() {
            stranger.evicted.notify_one();
        }
    }

    fn is_due(&mut self, trouble: Trouble) -> bool {
        let is_due = self.warned.get(&trouble).is_none_or(|at| at.elapsed() >= WARN_EVERY);
        if is_due {
            self.warned.insert(trouble, Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(strangers: usize, members: usize) -> Doors {
        Doors::new(Room { strangers, members, limit: 100 })
    }

    fn enter(doors: &Doors) -> (Arc<Seat>, SeatGuard) {
        let guard = doors.enter();
        (guard.seat(), guard)
    }

    async fn is_evicted(seat: &Seat) -> bool {
        timeout(Duration::ZERO, seat.evicted()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn doors_close_the_oldest_stranger_for_a_newcomer() {
        let doors = doors(2, 1);
        let (member, _guard) = enter(&doors);
        assert!(member.authenticate());
        let ((first, first_guard), (second, _second_guard)) = (enter(&doors), enter(&doors));
        let before = Instant::now();
        doors.may_enter().await;
        assert!(before.elapsed() >= GRACE_MIN, "a client has a moment for its request");
        drop(first_guard);
        let _third = enter(&doors);
        assert!(!is_evicted(&first).await && !is_evicted(&second).await, "there was a seat again");
        tokio::time::advance(GRACE_MIN).await;
        assert_eq!(doors.full_for(), None, "members or not, the oldest stranger goes");
        let _fourth = enter(&doors);
        assert!(is_evicted(&second).await && !is_evicted(&member).await);
        assert_eq!(doors.full_for(), Some(LOOK_EVERY), "its descriptor is not free yet");
        drop(member);
        assert!(!second.authenticate(), "it has no seat any more");
    }

    #[tokio::test(start_paused = true)]
    async fn doors_refuse_members_beyond_their_seats_and_take_them_when_one_leaves() {
        let doors = doors(2, 1);
        let ((one, one_guard), (two, _two_guard)) = (enter(&doors), enter(&doors));
        assert!(one.authenticate() && one.authenticate());
        assert!(!two.authenticate());
        drop(one_guard);
        assert!(two.authenticate());
        let seats = doors.seats();
        assert_eq!((seats.members, seats.strangers.len(), seats.open), (1, 0, 1));
    }
}
