//! Pull requests: list and get.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::Failure;
use super::http::{Call, in_repo};
use super::pages::{self, ENTRIES_MAX, Shape};
use super::subject::{Issue, Repo, State};

/// Lists pull requests. Gitea answers 404 for an empty repository and for a mirror, which have none: the list is empty.
pub(super) async fn list(call: &mut Call<'_>, repo: &Repo, state: State) -> Result<Box<RawValue>, Failure> {
    #[derive(Deserialize)]
    struct Found {
        empty: bool,
        #[serde(default)]
        mirror: bool,
    }
    let query = [("state", state.as_str())];
    match pages::all(call, &in_repo(repo, &["pulls"]), &query, Shape::List, ENTRIES_MAX).await {
        Ok(entries) => pages::to_list(entries),
        Err(failure) if failure.status == Some(404) => {
            let found = call.get(&in_repo(repo, &[]), &[]).await.and_then(|answer| answer.read::<Found>());
            let has_none = found.is_ok_and(|found| found.empty || found.mirror);
            if has_none { pages::to_list(Vec::new()) } else { Err(failure) }
        }
        Err(failure) => Err(failure),
    }
}

/// Gets one pull request. Issues and pull requests share their numbers.
pub(super) async fn get(call: &mut Call<'_>, pull: &Issue) -> Result<Box<RawValue>, Failure> {
    let number = pull.number.to_string();
    call.get(&in_repo(&pull.repo, &["pulls", &number]), &[]).await?.object()
}
