//! The process that stays connected beside a coding agent: its presence, its inbox, and what wakes it.
//!
//! 1. [`Resident`]: the handle. [`options`]: what it is told. `tools`: what a coding agent's tools ask of it.
//! 2. [`state`]: what it knows; every event goes through [`state::Shared`].
//! 3. `hub`: the connection to the hub. `api`: requests beside it. `unacked`: ids of messages that had no answer.
//! 4. `socket`: the Unix socket on which the session's hooks speak.

mod api;
mod hub;
pub mod options;
mod socket;
pub mod state;
mod tools;
mod unacked;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use orochi_client::Client;
use orochi_mcp::backend::Fault;
use tokio::task::yield_now;
use tokio::time::{timeout, timeout_at};

use crate::identity::{Claim, Kind, Registry, claim};
use crate::ipc;
use crate::message::Message;
use options::Options;
use state::Shared;

/// For a connection that is being made: a session's first call may come before it is up.
const CONNECTED_MAX: Duration = Duration::from_secs(2);

/// For what the hub has accepted and this process has not received.
const SETTLED_MAX: Duration = Duration::from_secs(2);

/// An agent's resident.
#[derive(Debug)]
pub struct Resident {
    options: Options,
    started: OnceLock<Result<Arc<Shared>, String>>,
    socket: Option<socket::Bound>,
    unacked: unacked::Unacked,
}

impl Resident {
    /// A resident that has no name yet: it gets one when its client has said who it is. Its socket is bound at
    /// once, so that two that start in one folder at the same time see each other.
    pub fn new(options: Options) -> Self {
        let socket = match socket::bind(options.client_pid) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, "no socket for this session's hooks: messages wait until a tool asks for them");
                None
            }
        };
        Self { options, started: OnceLock::new(), socket, unacked: unacked::Unacked::default() }
    }

    /// Finds the name and connects, once. Must be called within a runtime.
    ///
    /// # Errors
    /// There is no name to be had: a sentence.
    pub fn start(&self, kind: Kind) -> Result<&Arc<Shared>, Fault> {
        let started = self.started.get_or_init(|| {
            let options = &self.options;
            let claimed = Claim {
                kind,
                session: options.session_id.as_deref(),
                folder: &options.folder,
                pid: options.client_pid,
                given: options.name.as_deref(),
            };
            let name = claim(&claimed, ipc::is_live)?;
            let before = Registry::read().ledgers.remove(name.as_str()).unwrap_or_default();
            let shared = Shared::new(options, &name, kind, before, Instant::now());
            if let Some(socket) = &self.socket {
                socket.serve(Arc::clone(&shared));
            }
            tokio::spawn(hub::run(Arc::clone(&shared)));
            Ok(shared)
        });
        started.as_ref().map_err(|reason| Fault::new("INVALID_NAME", format!("this session is no agent: {reason}")))
    }

    /// What there is once the name is found.
    fn started(&self) -> Option<Result<&Arc<Shared>, Fault>> {
        self.started.get().map(|_| self.start(Kind::Agent))
    }

    /// Says goodbye to the hub, with what is dealt with.
    pub async fn close(&self) {
        if let Some(Ok(shared)) = self.started.get()
            && let Some(client) = shared.client()
        {
            client.close().await;
        }
    }
}

impl Shared {
    /// The connection; a short while is waited for one.
    ///
    /// # Errors
    /// There is none: why, and what can be done.
    async fn connection(&self) -> Result<Client, Fault> {
        let deadline = tokio::time::Instant::now() + CONNECTED_MAX;
        loop {
            let mut joined = std::pin::pin!(self.joined.notified());
            joined.as_mut().enable();
            if let Some(client) = self.client() {
                return Ok(client);
            }
            let is_refused = self.look(|state| state.trouble.is_some());
            if is_refused || timeout_at(deadline, joined).await.is_err() {
                return Err(self.away());
            }
        }
    }

    /// Waits until everything is here that the hub had accepted before: it answers a heartbeat behind it.
    async fn settle(&self, client: &Client) {
        let settled = async {
            if client.caught_up().await.is_err() || client.heartbeat().await.is_err() {
                return;
            }
            // The task that takes frames in has its turn in between.
            while !client.inbox().is_empty() && self.look(|state| state.machine.has_room()) {
                yield_now().await;
            }
        };
        // A hub that is slow does not hold up the call.
        let _ = timeout(SETTLED_MAX, settled).await;
    }

    /// Why there is no connection.
    fn away(&self) -> Fault {
        let url = &self.options.hub.url;
        let unreachable = || {
            let detail = format!("the Orochi hub at {url} can't be reached; it is tried again by itself");
            Fault::new(Fault::UNREACHABLE, detail)
        };
        self.look(|state| state.trouble.clone()).unwrap_or_else(unreachable)
    }

    /// The first message that waits, is wanted, and comes within the limit; it counts as returned.
    async fn next(
        &self,
        limit: Duration,
        is_wanted: impl Fn(&Message, bool) -> bool,
    ) -> Result<Option<Message>, Fault> {
        let deadline = tokio::time::Instant::now() + limit;
        let mut is_settled = false;
        loop {
            let mut arrived = std::pin::pin!(self.arrived.notified());
            // Before looking, so that nothing that comes meanwhile is missed.
            arrived.as_mut().enable();
            let found = self.look(|state| {
                let found =
                    state.machine.waiting().find(|message| is_wanted(message, state.returned.contains(&message.seq)));
                let found = found.cloned()?;
                state.note_returned([found.seq]);
                Some(found)
            });
            if found.is_some() {
                return Ok(found);
            }
            if !is_settled {
                let client = self.connection().await?;
                self.settle(&client).await;
                is_settled = true;
                continue;
            }
            if timeout_at(deadline, arrived).await.is_err() {
                return if self.client().is_some() { Ok(None) } else { Err(self.away()) };
            }
        }
    }
}
