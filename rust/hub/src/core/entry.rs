//! Entries: every lasting change, as data. An entry refers to nothing of the hub that proposes it: no connection, no
//! requester. With the roster and the log, it is all that [`super::apply`] needs.
//!
//! This is the list of all kinds. Each has its data and its behaviour in a file of [`super::requests`].

use orochi_protocol::Refusal;

use super::ask::Asker;
use super::change::{Applying, Change, Transaction};
use super::finish::{Finish, Finished};
use super::outcome::Outcome;
use super::requests::{
    attend, calls, heartbeat, hubs, keep, leave, message, register, seen, sign_out, status, subscribe, unsubscribe,
};
use super::router::Router;
use crate::store::StoreError;

/// Defines [`Entry`] from one list: each line is a kind and its data, which must be a [`Change`] and [`Finish`]. All
/// functions of an entry call the one of its kind.
macro_rules! entries {
    ($($(#[$doc:meta])* $kind:ident($change:ty),)*) => {
        /// One change. The log puts all of them in order.
        #[derive(Debug, Clone)]
        pub(super) enum Entry {
            $($(#[$doc])* $kind($change),)*
        }

        impl Entry {
            /// See [`Change::bytes`].
            pub(super) fn bytes(&self) -> usize {
                match self { $(Entry::$kind(change) => change.bytes(),)* }
            }

            /// See [`Change::is_lasting`].
            pub(super) fn is_lasting(&self) -> bool {
                match self { $(Entry::$kind(change) => change.is_lasting(),)* }
            }

            /// See [`Change::is_promised`].
            fn is_promised(&self) -> bool {
                match self { $(Entry::$kind(change) => change.is_promised(),)* }
            }

            /// See [`Change::apply`].
            pub(super) fn apply(&mut self, to: &mut Applying<'_>) -> Outcome {
                match self { $(Entry::$kind(change) => change.apply(to),)* }
            }

            /// See [`Change::write`].
            pub(super) fn write(&mut self, outcome: &mut Outcome, to: &mut Transaction<'_>) -> Result<(), StoreError> {
                match self { $(Entry::$kind(change) => change.write(outcome, to),)* }
            }

            fn finish_kind(self, finished: Finished<'_>, router: &mut Router) {
                match self { $(Entry::$kind(change) => change.finish(finished, router),)* }
            }
        }
    };
}

entries! {
    Message(message::NewMessage),
    Register(Box<register::Registering>),
    /// A request waits over HTTP in an agent's name.
    Attend(attend::Attend),
    /// A session has ended.
    Leave(leave::Leave),
    /// A session joins a channel.
    Join(subscribe::Join),
    /// A session leaves a channel.
    Part(unsubscribe::Part),
    /// A name keeps a channel, or keeps it no longer.
    Keep(keep::Keep),
    /// A session's sign of life.
    Alive(heartbeat::Alive),
    /// An agent has handled its messages, over HTTP.
    Seen(seen::Seen),
    Status(status::NewStatus),
    /// A call to another host begins.
    CallBegin(calls::CallBegin),
    /// A call has ended.
    CallEnd(calls::CallEnd),
    /// A dashboard login was signed out.
    SignOut(sign_out::SignOut),
    /// A hub has started.
    HubUp(hubs::HubUp),
    /// A hub has stopped or crashed.
    HubGone(hubs::HubGone),
}

impl Entry {
    /// Finishes the entry after the commit, or with `refusal` if the disk refused the batch.
    pub(super) fn finish(self, outcome: Outcome, asker: Asker, refusal: Option<&Refusal>, router: &mut Router) {
        let refusal = refusal.filter(|_| self.is_promised());
        self.finish_kind(Finished { outcome, asker, refusal }, router);
    }
}
