//! Facts kept from one event for later ones: the author of a commit, and the checks that failed.

use orochi_protocol::{AgentName, Refusal};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::Bridge;
use crate::core::unavailable;
use crate::gitea::webhook::event::Event;
use crate::gitea::webhook::line::author_of;
use crate::gitea::webhook::payload::{ListedBranch, Subject};

/// Limit for querying Gitea for a commit's branch and pull request.
const ASK_MAX: Duration = Duration::from_secs(2);
/// Branches that are searched for a commit.
const BRANCHES_MAX: usize = 100;

/// The people and agents behind a commit, as far as deliveries named them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Owners {
    branch: String,
    users: Vec<String>,
    agents: Vec<String>,
}

/// A note's name and value.
type Note = (String, String);

impl Bridge {
    /// Completes an event with facts from earlier ones. Returns the agents whose work it concerns and the notes to
    /// store. Returns None for an event that is not posted: a check that succeeds and had not failed before.
    pub(super) async fn place(&self, event: &mut Event) -> Result<Option<(Vec<AgentName>, Vec<Note>)>, Refusal> {
        match event.kind.as_str() {
            "status" | "workflow_run" => self.place_result(event).await,
            "push" if matches!(event.action.as_str(), "pushed" | "created") && !event.is_tag => {
                let owners =
                    Owners { branch: event.branch.clone(), users: vec![event.sender.clone()], agents: Vec::new() };
                Ok(Some((Vec::new(), note(&format!("head:{}:{}", event.repo_id, event.sha), &owners))))
            }
            "pull_request" if !event.sha.is_empty() => {
                let agents = author_of(&event.of_text).iter().map(ToString::to_string).collect();
                let owners = Owners { branch: event.branch.clone(), users: event.of_users.clone(), agents };
                Ok(Some((Vec::new(), note(&format!("pull:{}:{}", event.repo_id, event.sha), &owners))))
            }
            _ => Ok(Some((Vec::new(), Vec::new()))),
        }
    }

    async fn place_result(&self, event: &mut Event) -> Result<Option<(Vec<AgentName>, Vec<Note>)>, Refusal> {
        let (repo, sha) = (event.repo_id, event.sha.clone());
        let mut agents: Vec<AgentName> = Vec::new();
        for key in [format!("head:{repo}:{sha}"), format!("pull:{repo}:{sha}")] {
            let Some(owners) = self.read(key).await? else { continue };
            let Ok(owners) = serde_json::from_str::<Owners>(&owners) else { continue };
            if event.branch.is_empty() {
                event.branch = owners.branch;
            }
            event.of_users.extend(owners.users);
            agents.extend(owners.agents.iter().filter_map(|name| AgentName::parse(name).ok()));
        }
        if event.branch.is_empty() || (agents.is_empty() && event.of_users.is_empty()) {
            // No delivery named this commit's author. Gitea waits for our answer, so the query is short.
            let asked = tokio::time::timeout(ASK_MAX, self.ask_whose(event)).await;
            agents.extend(asked.unwrap_or_default());
        }
        agents.extend(event.of_users.iter().filter_map(|login| self.0.agents.get(&login.to_lowercase()).cloned()));
        agents.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        agents.dedup();
        let of = |place: &str| format!("check:{repo}:{}:{place}", event.context);
        let places: Vec<String> =
            [&event.branch, &sha].into_iter().filter(|place| !place.is_empty()).map(|place| of(place)).collect();
        if event.state == "success" {
            let mut had_failed = false;
            for place in &places {
                had_failed |= self.read(place.clone()).await?.is_some_and(|state| state != "success");
            }
            if !had_failed {
                return Ok(None);
            }
        }
        let notes = places.into_iter().map(|place| (place, event.state.clone())).collect();
        Ok(Some((agents, notes)))
    }

    /// Queries Gitea for the branch and pull request of a commit.
    async fn ask_whose(&self, event: &mut Event) -> Vec<AgentName> {
        let (true, Some((owner, name))) = (self.0.asks, event.repo.split_once('/')) else { return Vec::new() };
        if event.branch.is_empty() {
            let path = ["repos", owner, name, "branches"];
            let branches: Vec<ListedBranch> = self.0.gitea.list(&path, &[], BRANCHES_MAX).await.unwrap_or_default();
            let branch = branches.into_iter().find(|branch| branch.commit.id == event.sha);
            event.branch = branch.map(|branch| branch.name).unwrap_or_default();
        }
        let pull = self.0.gitea.one::<Subject>(&["repos", owner, name, "commits", &event.sha, "pull"]).await;
        let Ok(pull) = pull else { return Vec::new() };
        event.of_users.push(pull.user.login);
        author_of(&pull.body).into_iter().collect()
    }

    async fn read(&self, key: String) -> Result<Option<String>, Refusal> {
        let read = self.0.core.reads().run(move |reader| reader.note(&key)).await;
        read.map_err(|error| unavailable(&error))
    }
}

fn note(key: &str, owners: &Owners) -> Vec<Note> {
    serde_json::to_string(owners).map(|value| vec![(key.to_owned(), value)]).unwrap_or_default()
}
