//! Pull requests: listed and looked at.

use serde_json::value::RawValue;

use super::action::{Issue, Repo, State};
use super::failure::Failure;
use super::http::Call;
use super::issues::in_repo;
use super::pages::{self, ENTRIES_MAX, Shape};

/// Lists pull requests.
pub(super) async fn list(call: &mut Call<'_>, repo: &Repo, state: State) -> Result<Box<RawValue>, Failure> {
    let query = [("state", state.as_str())];
    pages::to_list(pages::all(call, &in_repo(repo, &["pulls"]), &query, Shape::List, ENTRIES_MAX).await?)
}

/// One pull request; its number is counted with the issues'.
pub(super) async fn get(call: &mut Call<'_>, pull: &Issue) -> Result<Box<RawValue>, Failure> {
    let number = pull.number.to_string();
    call.get(&in_repo(&pull.repo, &["pulls", &number]), &[]).await?.object()
}
