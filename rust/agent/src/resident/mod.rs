//! The process that stays connected beside a coding agent: its presence, its inbox, and what wakes it.
//!
//! 1. [`Resident`]: the handle. [`options`]: its settings. `tools`: the requests of a coding agent's tools.
//! 2. [`state`]: its state; every event goes through [`state::Shared`].
//! 3. `hub`: the connection to the hub. `api`: requests beside it. `unacked`: ids of messages that had no answer.
//! 4. `socket`: the Unix socket for the session's hooks.

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
use orochi_protocol::ErrorCode;
use tokio::task::yield_now;
use tokio::time::{timeout, timeout_at};

use crate::identity::{Claim, Kind, Registry, claim};
use crate::ipc;
use crate::message::Message;
use options::Options;
use state::Shared;

/// The wait for a connection: a session's first call may come before it is made.
const CONNECTED_MAX: Duration = Duration::from_secs(2);

/// The wait for messages that the hub has accepted and this process has not received.
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
    /// Creates a resident without a name. It gets one when its client has introduced itself. Its socket is bound at
    /// once, so that two residents that start in one folder at the same time see each other.
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

    /// Finds a name and connects, once. Must be called within a runtime.
    ///
    /// # Errors
    /// Fails with a sentence if no name can be claimed.
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
        let refused = |reason| Fault::refused(ErrorCode::InvalidName, format!("this session is no agent: {reason}"));
        started.as_ref().map_err(refused)
    }

    /// The state, once the name is found.
    fn started(&self) -> Option<Result<&Arc<Shared>, Fault>> {
        self.started.get().map(|_| self.start(Kind::Agent))
    }

    /// Closes the connection, after the hub has the cursor.
    pub async fn close(&self) {
        if let Some(Ok(shared)) = self.started.get()
            && let Some(client) = shared.client()
        {
            client.close().await;
        }
    }
}

impl Shared {
    /// Returns the connection; waits a short time for it.
    ///
    /// # Errors
    /// Fails if there is none, with the reason and the remedy.
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

    /// Waits until all messages that the hub accepted earlier have arrived: the hub answers a heartbeat after them.
    async fn settle(&self, client: &Client) {
        let settled = async {
            if client.caught_up().await.is_err() || client.heartbeat().await.is_err() {
                return;
            }
            // The task that receives frames runs in between.
            while !client.inbox().is_empty() && self.look(|state| state.machine.has_room()) {
                yield_now().await;
            }
        };
        // A slow hub does not delay the call.
        let _ = timeout(SETTLED_MAX, settled).await;
    }

    /// The reason why there is no connection.
    fn away(&self) -> Fault {
        let url = &self.options.hub.url;
        let unreachable = || {
            let detail = format!("the Orochi hub at {url} can't be reached; it is tried again by itself");
            Fault::new(Fault::UNREACHABLE, detail)
        };
        self.look(|state| state.trouble.clone()).unwrap_or_else(unreachable)
    }

    /// Waits for the first wanted message within the limit, and marks it as returned.
    async fn next(
        &self,
        limit: Duration,
        is_wanted: impl Fn(&Message, bool) -> bool,
    ) -> Result<Option<Message>, Fault> {
        let deadline = tokio::time::Instant::now() + limit;
        let mut is_settled = false;
        loop {
            let mut arrived = std::pin::pin!(self.arrived.notified());
            // Enabled before the search, so that no message is missed in between.
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
