//! Finds labels by name, because Gitea accepts only ids.

use orochi_protocol::ErrorCode;
use orochi_protocol::Refusal;
use orochi_protocol::names::shown;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::{Failure, unavailable};
use super::http::{Call, in_repo};
use super::pages::{self, ENTRIES_MAX, Shape};
use super::subject::{Label, Repo};

/// Labels of one repository or organisation that are searched.
const LABELS_MAX: usize = 2000;
/// Names that a refusal lists.
const LISTED_MAX: usize = 100;

#[derive(Deserialize)]
struct Known {
    id: u64,
    name: String,
}

/// The ids of these labels. Searches the repository first, then its organisation; the first of two equal names wins.
/// Names are case-sensitive. Without names, no request is sent.
pub(super) async fn resolve(call: &mut Call<'_>, repo: &Repo, labels: &[Label]) -> Result<Vec<u64>, Failure> {
    if labels.iter().all(|label| matches!(label, Label::Id(_))) {
        return Ok(labels.iter().filter_map(|label| find(label, &[])).collect());
    }
    let mut known = read(pages::all(call, &in_repo(repo, &["labels"]), &[], Shape::List, LABELS_MAX).await?)?;
    if labels.iter().any(|label| find(label, &known).is_none()) {
        match pages::all(call, &["orgs", repo.owner.as_str(), "labels"], &[], Shape::List, LABELS_MAX).await {
            Ok(entries) => known.extend(read(entries)?),
            // The owner is a user (404), or an organisation that the token can't read (403).
            Err(failure) if matches!(failure.status, Some(403 | 404)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let mut ids = Vec::with_capacity(labels.len());
    for label in labels {
        let id = find(label, &known).ok_or_else(|| unknown(label, repo, &known))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Lists a repository's own labels.
pub(super) async fn list(call: &mut Call<'_>, repo: &Repo) -> Result<Box<RawValue>, Failure> {
    pages::to_list(pages::all(call, &in_repo(repo, &["labels"]), &[], Shape::List, ENTRIES_MAX).await?)
}

fn find(label: &Label, known: &[Known]) -> Option<u64> {
    match label {
        Label::Id(id) => Some(*id),
        Label::Name(name) => known.iter().find(|one| one.name == *name).map(|one| one.id),
    }
}

fn read(entries: Vec<Box<RawValue>>) -> Result<Vec<Known>, Failure> {
    let parsed: Result<_, _> = entries.iter().map(|entry| serde_json::from_str(entry.get())).collect();
    parsed.map_err(|error| unavailable(&format!("its list of labels can't be read ({error})")))
}

fn unknown(label: &Label, repo: &Repo, known: &[Known]) -> Refusal {
    let name = match label {
        Label::Name(name) => shown(name),
        Label::Id(id) => id.to_string(),
    };
    let listed: Vec<&str> = known.iter().take(LISTED_MAX).map(|one| one.name.as_str()).collect();
    let has = if listed.is_empty() { "has no labels".to_owned() } else { format!("has {}", listed.join(", ")) };
    Refusal::new(ErrorCode::InvalidField, format!("labels: {repo} has no label {name}; it {has}"))
}
