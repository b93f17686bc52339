//! What happens at Gitea, told as messages under the name `gitea`: from signed deliveries (docs/gitea.md).
//!
//! - `notes`: what is remembered of an event for those that follow.

mod notes;

use std::collections::HashMap;
use std::sync::Arc;

use orochi_protocol::request::Draft;
use orochi_protocol::{AgentName, Refusal, Target};

use crate::config::{ChannelRule, Config, channel_for};
use crate::core::{Accepted, Core};
use crate::store::Marks;
use crate::webhook::event::Event;
use crate::webhook::line::Line;

/// The name under which events are told. No agent may use it once webhooks are on.
pub const SENDER: &str = "gitea";

/// Tells events. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Bridge(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    core: Core,
    channels: Vec<ChannelRule>,
    /// The agent of a Gitea user, by the login in lower case, as Gitea compares it.
    agents: HashMap<String, AgentName>,
}

impl Bridge {
    /// Nothing is told yet.
    pub fn new(core: Core, config: &Config) -> Self {
        let agents = config.gitea_users.iter();
        let agents = agents.filter_map(|(agent, user)| Some((user.to_lowercase(), AgentName::parse(agent).ok()?)));
        Self(Arc::new(Inner { core, channels: config.gitea_channels.clone(), agents: agents.collect() }))
    }

    /// Tells an event under this id; None where it is one that is not told after all. `body_key` names the delivery's
    /// body, which is told once whatever its headers say.
    ///
    /// # Errors
    /// Those of [`Core::post`].
    pub async fn tell(&self, id: String, mut event: Event, body_key: String) -> Result<Option<Accepted>, Refusal> {
        let Some((concerned, notes)) = self.place(&mut event).await? else { return Ok(None) };
        let mut keys = std::mem::take(&mut event.keys);
        keys.push(body_key);
        let marks = Marks { keys, ends: opposites(&event), brief_keys: event.brief_keys.clone(), notes };
        let draft = self.draft(&event, &concerned)?;
        let sender = AgentName::parse(SENDER)?;
        self.0.core.post_once(sender, id, draft, marks).await.map(Some)
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
