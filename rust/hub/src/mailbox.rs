//! What waits for an agent, for programs that ask over HTTP: mentions of it and direct messages to it after its stored
//! cursor. Looking consumes nothing: the cursor moves by `seen` alone.

use std::ops::ControlFlow;
use std::time::Duration;

use orochi_protocol::paging::ENTRIES_BYTES_MAX;
use orochi_protocol::{AgentName, Refusal, Seq};
use tokio::time::{Instant, timeout_at};

use crate::core::{Command, ConnectionId, Core, NamedAction, unavailable};
use crate::store::StoredMessage;

/// The oldest messages that wait for an agent.
#[derive(Debug, Default)]
pub struct Waiting {
    /// The messages, oldest first.
    pub messages: Vec<StoredMessage>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// Who is told that an agent waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Everyone: the agent is online meanwhile.
    Shown,
    /// Nobody: whoever asks may only read.
    Hidden,
}

/// Up to where an agent has dealt with its messages; a name that never said so, or never registered, begins at the
/// beginning.
///
/// # Errors
/// `SHUTTING_DOWN`.
pub async fn cursor(core: &Core, name: &AgentName) -> Result<Option<Seq>, Refusal> {
    core.cursor(name.to_string()).await
}

/// What waits for `name` after its cursor.
///
/// # Errors
/// `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
pub async fn waiting(core: &Core, name: &AgentName, limit: usize) -> Result<Waiting, Refusal> {
    let after = cursor(core, name).await?.unwrap_or_default();
    addressed_after(core, name, after, limit).await
}

/// What is addressed to `name` after a place, at most `limit` messages and about a mebibyte.
///
/// # Errors
/// `STORE_UNAVAILABLE`.
pub async fn addressed_after(core: &Core, name: &AgentName, after: Seq, limit: usize) -> Result<Waiting, Refusal> {
    let (name, head) = (name.clone(), core.head());
    let read = core.reads().run(move |reader| {
        let (mut found, mut bytes) = (Waiting::default(), 0);
        reader.addressed(name.as_str(), after, head, |message| {
            bytes += message.content.len() + message.metadata.len() + message.extra.as_ref().map_or(0, String::len);
            let is_full = found.messages.len() >= limit || bytes > ENTRIES_BYTES_MAX;
            if is_full && !found.messages.is_empty() {
                found.more = true;
                return ControlFlow::Break(());
            }
            found.messages.push(message.clone());
            ControlFlow::Continue(())
        })?;
        Ok(found)
    });
    read.await.map_err(|error| unavailable(&error))
}

/// Looks until there is something, or for so long. Cancelling it loses nothing.
///
/// # Errors
/// Those of `look`, `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
pub async fn until<T, F>(
    core: &Core,
    name: &AgentName,
    keys: Vec<String>,
    (wait, presence): (Duration, Presence),
    look: impl Fn() -> F,
) -> Result<Option<T>, Refusal>
where
    F: Future<Output = Result<Option<T>, Refusal>>,
{
    let deadline = Instant::now() + wait;
    // Before the first look: what is committed after it wakes.
    let watch = core.watch(keys);
    if let Some(found) = look().await? {
        return Ok(Some(found));
    }
    if wait.is_zero() {
        return Ok(None);
    }
    let _attending = match presence {
        Presence::Shown => Some(Attending::begin(core, name).await?),
        Presence::Hidden => None,
    };
    loop {
        tokio::select! {
            woken = timeout_at(deadline, watch.woken()) => {
                if woken.is_err() {
                    return look().await;
                }
            }
            () = core.stopped() => return Err(crate::core::shutting_down()),
        }
        if let Some(found) = look().await? {
            return Ok(Some(found));
        }
    }
}

/// An agent is online while this lives.
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
        // A request that was given up is dropped within the runtime.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // An error means that the hub stops, and everyone is offline.
                let _ = core.send(Command::Unattend(connection)).await;
            });
        }
    }
}
