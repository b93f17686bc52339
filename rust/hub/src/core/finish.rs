//! The part of an entry that concerns this hub alone, after the commit: connections change, events are sent, and the
//! requester is answered. The other part is in [`super::change`].

use orochi_protocol::Refusal;

use super::ask::Asker;
use super::outcome::{Event, Outcome};
use super::router::Router;
use crate::links::ConnectionIndex;

/// The result of an entry, and its requester.
pub(super) struct Finished<'a> {
    pub(super) outcome: Outcome,
    pub(super) asker: Asker,
    /// Set if the disk refused the batch, and the entry's answer promises that it is there.
    pub(super) refusal: Option<&'a Refusal>,
}

/// The end of a kind of entry.
pub(super) trait Finish: Sized {
    /// Finishes the entry. This is the usual way: its links change, its event is sent, and its requester gets an ack.
    fn finish(self, finished: Finished<'_>, router: &mut Router) {
        let Some((event, asker)) = router.settle(finished) else { return };
        self.change_links(router);
        if let Some(event) = event {
            router.send_event(event);
        }
        match asker {
            Asker::Connection { connection, id } => {
                if let Some(index) = router.answered(connection) {
                    self.ack(index, &id, router);
                }
            }
            Asker::Stored(answer) => {
                // The requester may be gone.
                let _ = answer.send(Ok(()));
            }
            Asker::Nobody | Asker::Sender(_) | Asker::Post(_) | Asker::Register(_) | Asker::Call(_) => {}
        }
    }

    /// Changes this hub's connections.
    fn change_links(&self, _router: &mut Router) {}

    /// Acks the request `id`.
    fn ack(&self, index: ConnectionIndex, id: &str, router: &mut Router) {
        router.ack(index, id);
    }
}

impl Router {
    /// Returns the event to send and the requester to ack. If the entry failed, its requester is refused.
    pub(super) fn settle(&mut self, finished: Finished<'_>) -> Option<(Option<Event>, Asker)> {
        let Finished { outcome, asker, refusal } = finished;
        match (outcome, refusal) {
            (Outcome::Refused(refused), _) => self.refuse_asker(asker, &refused),
            // The session had ended: nobody waits.
            (Outcome::Dropped, _) => return Some((None, asker)),
            (_, Some(refusal)) => self.refuse_asker(asker, refusal),
            (Outcome::Done(event), None) => return Some((event, asker)),
            // Kinds with these finish by themselves. Otherwise the requester finds its answer's channel closed.
            (
                Outcome::Open | Outcome::Told(_) | Outcome::Message(_) | Outcome::Registered(_) | Outcome::Begun(_),
                None,
            ) => {}
        }
        None
    }

    /// Sends a refusal to the requester of an entry.
    fn refuse_asker(&mut self, asker: Asker, refusal: &Refusal) {
        match asker {
            Asker::Connection { connection, id } => self.refuse_request(connection, &id, refusal),
            Asker::Stored(answer) => drop(answer.send(Err(refusal.clone()))),
            Asker::Call(answer) => drop(answer.send(Err(refusal.clone()))),
            Asker::Nobody | Asker::Sender(_) | Asker::Post(_) | Asker::Register(_) => {}
        }
    }
}
