//! The process that stays connected beside a coding agent: its presence, its inbox, and what wakes it.
//!
//! 1. [`Resident`]: the handle that tools use. [`options`]: what it is told.
//! 2. [`state`]: what it knows; every event goes through [`state::Shared`].
//! 3. `hub`: the connection to the hub. `socket`: the Unix socket on which the session's hooks speak.

mod hub;
pub mod options;
mod socket;
pub mod state;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use orochi_client::{Client, Outgoing, Receipt};

use crate::identity::{Claim, Kind, Registry, claim};
use crate::ipc;
use crate::message::Message;
use options::Options;
use state::Shared;

/// For the hub's answer to a send.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// For a connection that is being made: a session's first call may come before it is up.
const CONNECTED_MAX: Duration = Duration::from_secs(2);

/// An agent's resident.
#[derive(Debug)]
pub struct Resident {
    options: Options,
    started: OnceLock<Result<Arc<Shared>, String>>,
    socket: Option<socket::Bound>,
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
        Self { options, started: OnceLock::new(), socket }
    }

    /// Finds the name and connects, once. Must be called within a runtime.
    ///
    /// # Errors
    /// A sentence: there is no name to be had.
    pub fn start(&self, kind: Kind) -> Result<&Arc<Shared>, String> {
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
        started.as_ref().map_err(Clone::clone)
    }

    /// Sends a message; a reply deals with the message that it answers.
    ///
    /// # Errors
    /// A sentence: the hub refuses or is away.
    pub async fn send(&self, message: Outgoing) -> Result<Receipt, String> {
        let shared = self.start(Kind::Agent)?;
        let client = connected(shared).await?;
        let answers = message.reply_to;
        let sent = tokio::time::timeout(ANSWER_MAX, client.send(message)).await;
        let receipt = sent.map_err(|_| away(shared))?.map_err(|error| error.to_string())?;
        if let Some(seq) = answers {
            shared.with(|state, _| state.machine.answered(seq.get()));
        }
        Ok(receipt)
    }

    /// The oldest messages that wait, and how many more there are. Consumes nothing.
    ///
    /// # Errors
    /// A sentence: nothing is here, and the hub is away.
    pub async fn inbox(&self, limit: usize) -> Result<(Vec<Message>, usize), String> {
        let shared = self.start(Kind::Agent)?;
        let client = connected(shared).await;
        if let Ok(client) = &client {
            // What was missed is here first.
            let _ = tokio::time::timeout(CONNECTED_MAX, client.caught_up()).await;
        }
        let (messages, more) = shared.look(|state| {
            let messages: Vec<Message> = state.machine.waiting().take(limit).cloned().collect();
            let more = state.machine.waiting().count() - messages.len();
            state.note_returned(messages.iter().map(|message| message.seq));
            (messages, more)
        });
        if messages.is_empty() { client.map(|_| (messages, more)) } else { Ok((messages, more)) }
    }

    /// The first message that no tool has returned to this session; None when the time is over. Consumes nothing.
    ///
    /// # Errors
    /// A sentence: none came, and the hub is away.
    pub async fn wait(&self, limit: Duration, from: Option<&str>) -> Result<Option<Message>, String> {
        let shared = self.start(Kind::Agent)?;
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let mut arrived = std::pin::pin!(shared.arrived.notified());
            // Before looking, so that nothing that comes meanwhile is missed.
            arrived.as_mut().enable();
            let found = shared.look(|state| {
                let is_wanted = |message: &&Message| {
                    !state.returned.contains(&message.seq) && from.is_none_or(|from| from == message.sender)
                };
                let found = state.machine.waiting().find(is_wanted).cloned()?;
                state.note_returned([found.seq]);
                Some(found)
            });
            if found.is_some() {
                return Ok(found);
            }
            if tokio::time::timeout_at(deadline, arrived).await.is_err() {
                return if shared.client().is_some() { Ok(None) } else { Err(away(shared)) };
            }
        }
    }

    /// The agent dealt with everything up to here.
    ///
    /// # Errors
    /// A sentence: there is no name.
    pub fn seen(&self, seq: u64) -> Result<(), String> {
        self.start(Kind::Agent)?.with(|state, _| state.machine.seen_up_to(seq));
        Ok(())
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

async fn connected(shared: &Arc<Shared>) -> Result<Client, String> {
    let deadline = tokio::time::Instant::now() + CONNECTED_MAX;
    loop {
        let mut joined = std::pin::pin!(shared.joined.notified());
        joined.as_mut().enable();
        if let Some(client) = shared.client() {
            return Ok(client);
        }
        if tokio::time::timeout_at(deadline, joined).await.is_err() {
            return Err(away(shared));
        }
    }
}

fn away(shared: &Shared) -> String {
    let url = &shared.options.hub.url;
    format!("the Orochi hub at {url} can't be reached; it is tried again by itself")
}
