//! The messages that wait for an agent, for programs that use HTTP: mentions of it and direct messages to it after its
//! stored cursor, or the messages of one channel. Reading consumes nothing: only `seen` moves the cursor.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use orochi_protocol::paging::ENTRIES_BYTES_MAX;
use orochi_protocol::request::{HistoryFilter, Order};
use orochi_protocol::{AgentName, Refusal, Seq, Target};
use tokio::time::{Instant, timeout_at};

use crate::core::{Command, ConnectionId, Core, NamedAction, shutting_down, unavailable};
use crate::store::{Message, Place};

/// Selects the messages to search for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The agent whose inbox it is.
    pub name: AgentName,
    /// Only messages after this seq and after the cursor. For a channel: after this seq, or only new ones.
    pub after: Option<Seq>,
    /// Messages to leave out.
    pub skip: BTreeSet<Seq>,
    /// Only messages from this agent.
    pub sender: Option<AgentName>,
    /// All messages of this channel or conversation, addressed to the agent or not.
    pub channel: Option<Target>,
    /// The largest number of messages; they also have at most about a mebibyte.
    pub limit: usize,
}

/// The oldest matching messages.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// More messages follow these.
    pub more: bool,
    /// The seq up to which the log was searched. If there are more, the seq of the last message.
    pub upto: Seq,
}

/// The visibility of the waiting agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// The agent is online meanwhile, and everyone sees it.
    Shown,
    /// Nobody sees it: the requester may only read.
    Hidden,
}

impl Wanted {
    /// Selects the messages in an agent's inbox.
    pub(crate) fn inbox(name: AgentName, limit: usize) -> Self {
        Self { name, after: None, skip: BTreeSet::new(), sender: None, channel: None, limit }
    }

    /// Searches until there is a message, or for the time `wait`, and then returns none. Cancelling loses nothing.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
    pub(crate) async fn wait(mut self, core: &Core, wait: Duration, presence: Presence) -> Result<Waiting, Refusal> {
        let deadline = Instant::now() + wait;
        // Watch before the first search, so that a later commit causes a wake-up.
        let watch = core.watch(vec![self.watched()]);
        if self.channel.is_some() {
            self.after.get_or_insert(core.head());
        }
        // Boxed: a wait does not hold the memory of a search.
        let mut found = Box::pin(self.look(core)).await?;
        if !found.messages.is_empty() || wait.is_zero() {
            return Ok(found);
        }
        let _attending = match presence {
            Presence::Shown => Some(Box::pin(Attending::begin(core, &self.name)).await?),
            Presence::Hidden => None,
        };
        loop {
            tokio::select! {
                woken = timeout_at(deadline, watch.woken()) => {
                    found = Box::pin(self.look(core)).await?;
                    if woken.is_err() || !found.messages.is_empty() {
                        return Ok(found);
                    }
                }
                () = core.stopped() => return Err(shutting_down()),
            }
        }
    }

    /// Searches once.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
    pub(crate) async fn look(&self, core: &Core) -> Result<Waiting, Refusal> {
        match self.place() {
            None => self.look_in_inbox(core).await,
            Some(place) => self.look_in_channel(core, place).await,
        }
    }

    /// The key of the core's wake-ups for this search.
    fn watched(&self) -> String {
        self.place().map_or_else(|| self.name.to_string(), |place| place.to_string())
    }

    /// The channel or conversation whose messages are wanted; None for the inbox.
    fn place(&self) -> Option<Place> {
        self.channel.as_ref().and_then(|target| Place::of(target, Some(self.name.as_str())))
    }

    async fn look_in_inbox(&self, core: &Core) -> Result<Waiting, Refusal> {
        let cursor = core.cursor(self.name.to_string()).await?.unwrap_or_default();
        let after = cursor.max(self.after.unwrap_or_default());
        let (wanted, head) = (self.clone(), core.head());
        let read = core.reads().run(move |reader| {
            let mut found = Found::new(wanted.limit);
            reader.addressed(wanted.name.as_str(), after, head, |message| match &wanted.sender {
                Some(sender) if sender.as_str() != message.sender => ControlFlow::Continue(()),
                _ if wanted.skip.contains(&message.seq) => ControlFlow::Continue(()),
                _ => found.push(message),
            })?;
            Ok(found.upto(head))
        });
        read.await.map_err(|error| unavailable(&error))
    }

    async fn look_in_channel(&self, core: &Core, place: Place) -> Result<Waiting, Refusal> {
        let (wanted, head) = (self.clone(), core.head());
        let after = Some(self.after.unwrap_or(head));
        let filter = HistoryFilter {
            after,
            sender: self.sender.clone(),
            limit: 1000,
            order: Order::Asc,
            ..HistoryFilter::default()
        };
        let read = core.reads().run(move |reader| {
            let mut found = Found::new(wanted.limit);
            let (messages, is_cut) = reader.history_within(&place, &filter, ENTRIES_BYTES_MAX)?;
            found.waiting.more = is_cut;
            let is_other = |message: &&Message| message.sender != wanted.name.as_str();
            let others = messages.iter().filter(is_other);
            for message in others.filter(|message| !wanted.skip.contains(&message.seq)) {
                if found.push(message).is_break() {
                    break;
                }
            }
            Ok(found.upto(head))
        });
        read.await.map_err(|error| unavailable(&error))
    }
}

/// Collects messages up to a number and a size.
struct Found {
    waiting: Waiting,
    limit: usize,
    bytes: usize,
}

impl Found {
    fn new(limit: usize) -> Self {
        Self { waiting: Waiting::default(), limit, bytes: 0 }
    }

    fn push(&mut self, message: &Message) -> ControlFlow<()> {
        self.bytes += message.text_bytes();
        let is_full = self.waiting.messages.len() >= self.limit || self.bytes > ENTRIES_BYTES_MAX;
        if is_full && !self.waiting.messages.is_empty() {
            self.waiting.more = true;
            return ControlFlow::Break(());
        }
        self.waiting.messages.push(message.clone());
        ControlFlow::Continue(())
    }

    fn upto(mut self, head: Seq) -> Waiting {
        let last = self.waiting.messages.last().map(|message| message.seq);
        self.waiting.upto = last.filter(|_| self.waiting.more).unwrap_or(head);
        self.waiting
    }
}

/// The agent is online while this value exists.
#[derive(Debug)]
struct Attending {
    core: Core,
    connection: ConnectionId,
}

impl Attending {
    async fn begin(core: &Core, name: &AgentName) -> Result<Self, Refusal> {
        let attending = Self { core: core.clone(), connection: core.new_connection() };
        core.named(name.clone(), NamedAction::Attend(attending.connection)).await?;
        Ok(attending)
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        let (core, connection) = (self.core.clone(), self.connection);
        // Cancelled requests are dropped within the runtime.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // An error means that the hub is stopping, and everyone is offline.
                let _ = core.send(Command::Unattend(connection)).await;
            });
        }
    }
}
