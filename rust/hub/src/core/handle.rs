//! The handle to the core for all other tasks: it sends commands and waits for answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use orochi_protocol::reply::{AgentRow, PresenceAnswer, ReceiptsAnswer};
use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, ErrorCode, Refusal, Seq};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::command::{Accepted, CallKey, Command, NamedAction, Stats};
use super::known::Known;
use super::lookups::{Asked, Lookups};
use super::refusals::{no_such_message, shutting_down, unavailable};
use super::returns::Returns;
use super::waits::{Waits, Watch};
use crate::roster::ConnectionId;
use crate::search::{self, Found, Reach, Search};
use crate::store::{CallState, Marks, Reads};

/// A handle to the core and to the log's readers.
#[derive(Debug, Clone)]
pub struct Core {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    commands: mpsc::Sender<Command>,
    lookups: Lookups,
    returns: Returns,
    waits: Waits,
    /// Notified of each write to the log.
    writes: Arc<Notify>,
    started: Instant,
    reads: Reads,
    search: Search,
    epoch: String,
    /// The committed head. Only the core thread writes it, after each commit.
    head: Arc<AtomicU64>,
    next_connection: AtomicU64,
    /// Becomes true when the core has sent its last answer.
    stopped: watch::Receiver<bool>,
    /// The name under which the hub itself sends messages.
    reserved: OnceLock<AgentName>,
    /// The number of running connection tasks.
    open: watch::Sender<usize>,
}

/// Counts a connection's task while it runs. The hub waits for the last one.
#[derive(Debug)]
pub struct Open(Core);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.shared.open.send_modify(|open| *open -= 1);
    }
}

impl Core {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        (lookups, returns): (Lookups, Returns),
        reads: Reads,
        search: Search,
        epoch: String,
        head: Arc<AtomicU64>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let next_connection = AtomicU64::new(1);
        Self {
            shared: Arc::new(Shared {
                commands,
                lookups,
                returns,
                waits: Waits::default(),
                writes: Arc::default(),
                started: Instant::now(),
                reads,
                search,
                epoch,
                head,
                next_connection,
                stopped,
                reserved: OnceLock::new(),
                open: watch::Sender::new(0),
            }),
        }
    }

    pub(super) fn waits(&self) -> Waits {
        self.shared.waits.clone()
    }

    pub(super) fn writes(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.writes)
    }

    /// Waits for the next write to the log. Returns at once if there was one since the last call. Only one task may
    /// wait.
    pub async fn next_write(&self) {
        self.shared.writes.notified().await;
    }

    /// Returns a number for a new connection.
    pub fn new_connection(&self) -> ConnectionId {
        ConnectionId(self.shared.next_connection.fetch_add(1, Ordering::Relaxed))
    }

    /// Reserves a name for the hub itself; only the first call has an effect.
    pub fn reserve(&self, name: AgentName) {
        let _ = self.shared.reserved.set(name);
    }

    /// Checks that an agent may use a name. Case is ignored: readers would take another spelling for the hub.
    ///
    /// # Errors
    /// `INVALID_NAME`.
    pub fn check_free(&self, name: &AgentName) -> Result<(), Refusal> {
        match self.shared.reserved.get() {
            Some(reserved) if reserved.as_str().eq_ignore_ascii_case(name.as_str()) => {
                let detail =
                    format!("{name} is the name under which this hub tells what happens at Gitea: take another");
                Err(Refusal::new(ErrorCode::InvalidName, detail))
            }
            _ => Ok(()),
        }
    }

    /// The log's readers. A read sees everything that was acked before it began.
    pub fn reads(&self) -> &Reads {
        &self.shared.reads
    }

    /// Returns a page of a search. It covers everything that was acked before it began, or reports how far it got.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn search(&self, request: search::Request) -> Result<Found, Refusal> {
        self.shared.search.find(&self.shared.reads, request).await.map_err(|error| unavailable(&error))
    }

    /// The extent of the search index.
    pub fn search_reach(&self) -> Reach {
        self.shared.search.reach()
    }

    /// The database's UUID.
    pub fn epoch(&self) -> &str {
        &self.shared.epoch
    }

    /// The seq of the newest message on disk.
    pub fn head(&self) -> Seq {
        Seq::new(self.shared.head.load(Ordering::Acquire)).unwrap_or(Seq::MAX)
    }

    /// Counts a connection's task until the guard is dropped.
    pub fn enter(&self) -> Open {
        self.shared.open.send_modify(|open| *open += 1);
        Open(self.clone())
    }

    /// Waits until every connection's task has ended.
    pub async fn all_left(&self) {
        let _ = self.shared.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Waits until the core has sent its last answer and closed the log.
    pub async fn stopped(&self) {
        // An error means that the core thread is gone, which is the same.
        let _ = self.shared.stopped.clone().wait_for(|stopped| *stopped).await;
    }

    /// Sends a command; waits while the core's queue is full, which delays only this caller.
    ///
    /// # Errors
    /// `SHUTTING_DOWN` once the core has stopped.
    pub async fn send(&self, command: Command) -> Result<(), Refusal> {
        self.shared.commands.send(command).await.map_err(|_| shutting_down())
    }

    /// Requests that a connection goes live which has read the log up to `position`. This passes all waiting commands:
    /// behind many of them, the log would be far ahead again.
    pub fn caught_up(&self, connection: ConnectionId, position: Seq) {
        self.shared.returns.add(connection, position);
        // If the queue is full, the core is awake and checks with its next turn. A core that has stopped closes the
        // connection.
        let _ = self.shared.commands.try_send(Command::LookUp);
    }

    /// Accepts a message over HTTP; returns once it is on disk.
    ///
    /// # Errors
    /// `ID_REUSED`, `INVALID_CHANNEL`, `INVALID_FIELD` for a bad `reply_to`, `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
    pub async fn post(&self, sender: AgentName, id: String, draft: Draft) -> Result<Accepted, Refusal> {
        self.post_once(sender, id, draft, Marks::default()).await
    }

    /// As [`Core::post`], but the message is also a duplicate if it shares a mark with one in the log.
    ///
    /// # Errors
    /// As [`Core::post`].
    pub async fn post_once(
        &self,
        sender: AgentName,
        id: String,
        draft: Draft,
        marks: Marks,
    ) -> Result<Accepted, Refusal> {
        let (draft, marks) = (Box::new(draft), Box::new(marks));
        self.ask(|answer| Command::Post { sender, id, draft, marks, answer }).await?
    }

    /// Returns the online agents.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn presence(&self, detail: bool) -> Result<PresenceAnswer, Refusal> {
        self.ask(|answer| Command::Presence { detail, answer }).await
    }

    /// Returns the rows of the online agents, or of all that ever registered.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn agents(&self, all: bool) -> Result<Vec<AgentRow>, Refusal> {
        self.look_up(move |known| known.roster.rows(all)).await
    }

    /// Returns the online agents and at most `away_max` offline ones, those seen last, and the number of the others.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn recent_agents(&self, away_max: usize) -> Result<(Vec<AgentRow>, usize), Refusal> {
        self.look_up(move |known| known.roster.recent_rows(away_max)).await
    }

    /// Returns one agent; None for a name that never registered.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn agent(&self, name: AgentName) -> Result<Option<AgentRow>, Refusal> {
        self.look_up(move |known| known.roster.row(name.as_str())).await
    }

    /// Returns the channels and their members.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn channels(&self) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
        self.look_up(Known::channel_members).await
    }

    /// Returns an agent's stored cursor; None also for a name that never registered.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn cursor(&self, name: String) -> Result<Option<Seq>, Refusal> {
        self.look_up(move |known| known.roster.stored_cursor(&name)).await
    }

    /// Returns the channels kept with a name, in order.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn kept_channels(&self, name: String) -> Result<Vec<String>, Refusal> {
        self.look_up(move |known| {
            let kept = known.roster.find(&name).and_then(|index| known.roster.agent(index).record.kept.as_ref());
            kept.map(|kept| kept.keys().cloned().collect()).unwrap_or_default()
        })
        .await
    }

    /// Returns the hub's figures.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn stats(&self) -> Result<Stats, Refusal> {
        let (seq, epoch, started) = (self.head(), self.shared.epoch.clone(), self.shared.started);
        self.look_up(move |known| {
            let agents: Vec<String> = known.roster.rows(false).into_iter().map(|row| row.name).collect();
            let channels: Vec<String> = known.channel_members().into_keys().collect();
            Stats {
                agents_online: agents.len(),
                channels_active: channels.len(),
                observers_connected: known.links.observers().len(),
                agents,
                channels,
                seq,
                epoch,
                uptime_seconds: started.elapsed().as_secs(),
            }
        })
        .await
    }

    /// Returns a message's receipts; an `asker` of None may see all (section 9, Receipts).
    ///
    /// # Errors
    /// `INVALID_FIELD` if there is no such message, `FORBIDDEN` if the asker may not see it.
    pub async fn receipts(&self, asker: Option<AgentName>, seq: Seq) -> Result<ReceiptsAnswer, Refusal> {
        self.barrier().await?;
        let message = self.shared.reads.run(move |reader| reader.message(seq)).await.map_err(|e| unavailable(&e))?;
        let message = message.ok_or_else(|| no_such_message(seq))?;
        self.ask(|answer| Command::Receipts { asker, message: Box::new(message), answer }).await?
    }

    /// Checks that an agent may answer the message `seq` (section 9, Threads).
    ///
    /// # Errors
    /// `INVALID_FIELD` if there is no such message, or if it is a direct message between others.
    pub async fn check_reply_to(&self, sender: &AgentName, seq: Seq) -> Result<(), Refusal> {
        let message = self.shared.reads.run(move |reader| reader.message(seq)).await.map_err(|e| unavailable(&e))?;
        if message.is_some_and(|message| message.is_visible_to(sender.as_str())) {
            return Ok(());
        }
        let detail = format!("reply_to is {seq}: {sender} can see no message with this seq");
        Err(Refusal::new(ErrorCode::InvalidField, detail))
    }

    /// Acts for an agent that has no connection of its own here; returns once the action is on disk.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a `seen` beyond the newest message, `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
    pub async fn named(&self, name: AgentName, action: NamedAction) -> Result<(), Refusal> {
        self.ask(|answer| Command::Named { name, action, answer }).await?
    }

    /// Watches for messages to agents and in channels; channels are named with their `#`. Call this before reading the
    /// log: then no message is missed in between.
    pub fn watch(&self, keys: Vec<String>) -> Watch {
        self.shared.waits.watch(keys)
    }

    /// Records that a call to another host begins, unless it was made before.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `SHUTTING_DOWN`: then the call must not be made.
    pub async fn begin_call(&self, key: CallKey, asked: String) -> Result<CallState, Refusal> {
        self.ask(|answer| Command::BeginCall { key, asked, answer }).await?
    }

    /// Records a call's result; None if it certainly had no effect.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `SHUTTING_DOWN`: then the call stays recorded as begun.
    pub async fn end_call(&self, key: CallKey, result: Option<String>) -> Result<(), Refusal> {
        self.ask(|answer| Command::EndCall { key, result, answer }).await?
    }

    /// Records that a dashboard login was signed out.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `SHUTTING_DOWN`: then the login would be valid again after a restart.
    pub async fn end_login(&self, nonce: String, until: i64) -> Result<(), Refusal> {
        self.ask(|answer| Command::EndLogin { nonce, until, answer }).await?
    }

    /// Returns the whole roster as text, to compare it with another hub's.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    #[cfg(feature = "sim")]
    pub async fn roster_text(&self) -> Result<String, Refusal> {
        self.look_up(|known| known.roster.text()).await
    }

    /// Waits until all earlier commands are done.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`.
    pub async fn barrier(&self) -> Result<(), Refusal> {
        self.ask(Command::Barrier).await
    }

    /// Empties the write-ahead log; false if a reader prevented it.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
    pub async fn reset_wal(&self) -> Result<bool, Refusal> {
        self.ask(Command::ResetWal).await?
    }

    /// Tests that the store accepts writes.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` with the cause, `SHUTTING_DOWN`.
    pub async fn probe(&self) -> Result<(), Refusal> {
        self.ask(Command::Probe).await?
    }

    /// Reads the core's state without waiting for the disk.
    async fn look_up<T, F>(&self, look: F) -> Result<T, Refusal>
    where
        F: FnOnce(&Known) -> T + Send + 'static,
        T: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let asked = self.shared.lookups.ask(move |known| {
            // The requester may be gone.
            let _ = answer.send(look(known));
        });
        match asked {
            Asked::Answered => {}
            // If the queue is full, the core is awake and answers all waiting queries with its next turn.
            Asked::Waits => match self.shared.commands.try_send(Command::LookUp) {
                Ok(()) | Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Closed(_)) => return Err(shutting_down()),
            },
            Asked::Refused => return Err(shutting_down()),
        }
        answered.await.map_err(|_| shutting_down())
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.send(command(answer)).await?;
        answered.await.map_err(|_| shutting_down())
    }
}
