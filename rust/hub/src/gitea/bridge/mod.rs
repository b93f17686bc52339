//! What happens at Gitea, told as messages under the name `gitea` (docs/gitea.md): from signed deliveries, and by
//! asking Gitea for what no delivery brought.
//!
//! - `notes`: what is remembered of an event for those that follow.
//! - `places`: how far each repository is told.
//! - `late`: what happened while the hub could not be told. `reviews`: a review's comments on lines.

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

/// The name under which events are told. No agent may use it once webhooks are on.
pub const SENDER: &str = "gitea";
/// Reviews whose comments are being read. One more is left to the next look at its repository.
const REVIEWS_MAX: usize = 16;

/// Tells events. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Bridge(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    core: Core,
    gitea: Gitea,
    channels: Vec<ChannelRule>,
    /// The agent of a Gitea user, by the login in lower case, as Gitea compares it.
    agents: HashMap<String, AgentName>,
    places: Places,
    /// Whether Gitea is asked for what no delivery brought.
    asks: bool,
    reviews: Arc<Semaphore>,
}

/// A delivery that has come, and is not taken yet.
#[derive(Debug)]
pub struct Unread(Option<Bridge>);

impl Unread {
    /// The delivery has its answer.
    pub fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(bridge) = &self.0 {
            tracing::warn!("a delivery could not be read to its end: Gitea is asked for what it would have told");
            bridge.0.places.doubt();
        }
    }
}

impl Bridge {
    /// Nothing is told yet.
    pub fn new(core: Core, gitea: Gitea, config: &Config) -> Self {
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

    /// Tells a delivery's event under this id; None where it is one that is not told after all. `body_key` names the
    /// delivery's body, which is told once whatever its headers say.
    ///
    /// # Errors
    /// Those of [`Core::post`]. What could not be stored is asked of Gitea later.
    pub async fn tell(&self, id: String, mut event: Event, body_key: String) -> Result<Option<Accepted>, Refusal> {
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

    /// For a delivery that is being taken: where this is dropped before [`Unread::done`], because the delivery breaks
    /// off or is too large, Gitea is asked later for what it would have told.
    pub fn unread(&self) -> Unread {
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
        // A JSON value is JSON.
        draft.metadata = serde_json::value::to_raw_value(&line.metadata).ok();
        Ok(draft)
    }
}

/// A ref that is made can be deleted again, and the other way round.
fn opposites(event: &Event) -> Vec<String> {
    let opposite = match event.action.as_str() {
        "created" => "deleted",
        "deleted" => "created",
        _ => return Vec::new(),
    };
    let keys = event.brief_keys.iter();
    keys.filter_map(|key| Some(format!("{}:{opposite}", key.strip_suffix(&format!(":{}", event.action))?))).collect()
}
