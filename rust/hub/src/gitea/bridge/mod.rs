//! Posts Gitea's events as messages from `gitea` (docs/gitea.md). Events come from signed deliveries and, where a
//! delivery was missed, from queries to Gitea.
//!
//! - `notes`: facts kept from one event for later ones.
//! - `places`: up to what time each repository's events are posted.
//! - `late`: finds missed events. `reviews`: a review's comments on lines.

mod late;
mod notes;
mod places;
mod reviews;

use std::collections::HashMap;
use std::sync::Arc;

use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, Refusal, Target};
use tokio::sync::Semaphore;

use crate::config::{ChannelRule, Config, channel_for};
use crate::core::{Accepted, Core};
use crate::gitea::Gitea;
use crate::gitea::webhook::event::Event;
use crate::gitea::webhook::line::Line;
use crate::store::Marks;
use places::Places;

/// The sender of these messages. No agent may use the name once webhooks are on.
pub(crate) const SENDER: &str = "gitea";
/// Reviews whose comments are read at the same time. Further ones wait for the next query of their repository.
const REVIEWS_MAX: usize = 16;

/// Posts events. Clones are cheap and share all state.
#[derive(Debug, Clone)]
pub(crate) struct Bridge(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    core: Core,
    gitea: Gitea,
    channels: Vec<ChannelRule>,
    /// The agent of each Gitea user. Logins are in lower case because Gitea ignores case.
    agents: HashMap<String, AgentName>,
    places: Places,
    /// Query Gitea for events that no delivery brought.
    asks: bool,
    reviews: Arc<Semaphore>,
}

/// A delivery that has arrived and is not yet read.
#[derive(Debug)]
pub(crate) struct Unread(Option<Bridge>);

impl Unread {
    /// Marks the delivery as answered, so that dropping this value does nothing.
    pub(crate) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(bridge) = &self.0 {
            tracing::warn!("a delivery could not be read to its end: querying Gitea for its event");
            bridge.0.places.doubt();
        }
    }
}

impl Bridge {
    /// Creates a bridge that has posted nothing.
    pub(crate) fn new(core: Core, gitea: Gitea, config: &Config) -> Self {
        let agents = config.gitea_users.iter();
        let agents = agents.filter_map(|(agent, user)| Some((user.to_lowercase(), AgentName::parse(agent).ok()?)));
        let has_hooks = !config.gitea_webhook_secret.is_empty();
        Self(Arc::new(Inner {
            asks: has_hooks && config.gitea_catch_up && gitea.address().is_some(),
            core,
            gitea,
            channels: config.gitea_channels.clone(),
            agents: agents.collect(),
            places: Places::default(),
            reviews: Arc::new(Semaphore::new(REVIEWS_MAX)),
        }))
    }

    /// Posts a delivery's event under this id. Returns None for an event that turns out not to be posted. `body_key`
    /// names the delivery's body: the same body is posted once, whatever its headers say.
    ///
    /// # Errors
    /// Fails like [`Core::post`]. An event that could not be stored is queried from Gitea later.
    pub(crate) async fn tell(
        &self,
        id: String,
        mut event: Event,
        body_key: String,
    ) -> Result<Option<Accepted>, Refusal> {
        event.keys.push(body_key);
        let told = self.post(id, &mut event).await;
        if told.is_err() {
            self.0.places.owe(&event);
        }
        if matches!(&told, Ok(Some(accepted)) if !accepted.duplicate) {
            self.read_lines_of(&event);
        }
        told
    }

    /// Guards a delivery while it is read. If the guard is dropped before [`Unread::done`], because the delivery broke
    /// off or is too large, the hub queries Gitea later for its event.
    pub(crate) fn unread(&self) -> Unread {
        Unread(self.0.asks.then(|| self.clone()))
    }

    async fn post(&self, id: String, event: &mut Event) -> Result<Option<Accepted>, Refusal> {
        let Some((concerned, mut notes)) = self.place(event).await? else { return Ok(None) };
        notes.extend(self.0.places.note(event));
        let marks = Marks {
            keys: std::mem::take(&mut event.keys),
            ends: opposites(event),
            brief_keys: event.brief_keys.clone(),
            weak_keys: event.weak_keys.clone(),
            notes,
        };
        let draft = self.draft(event, &concerned)?;
        let sender = AgentName::parse(SENDER)?;
        let accepted = self.0.core.post_once(sender, id, draft, marks).await?;
        self.0.places.told(event);
        Ok(Some(accepted))
    }

    fn draft(&self, event: &Event, concerned: &[AgentName]) -> Result<Draft, Refusal> {
        let line = Line::new(event, concerned);
        let channel = channel_for(&self.0.channels, &event.repo);
        let mut draft = Draft::new(Target::Channel(channel), line.content)?;
        draft.mentions = line.mentions;
        // This can't fail: a JSON value is valid JSON.
        draft.metadata = serde_json::value::to_raw_value(&line.metadata).ok();
        Ok(draft)
    }
}

/// Names of the opposite event, which may now happen again: a ref that was created can be deleted, and vice versa.
fn opposites(event: &Event) -> Vec<String> {
    let opposite = match event.action.as_str() {
        "created" => "deleted",
        "deleted" => "created",
        _ => return Vec::new(),
    };
    let keys = event.brief_keys.iter();
    keys.filter_map(|key| Some(format!("{}:{opposite}", key.strip_suffix(&format!(":{}", event.action))?))).collect()
}
