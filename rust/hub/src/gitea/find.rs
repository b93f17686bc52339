//! Finds what a request created at Gitea after its answer was lost: an issue or comment by the request's mark in its
//! text, a repository or organisation by its name.

use orochi_protocol::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::action::Action;
use super::failure::Failure;
use super::http::{Call, in_repo};
use super::pages::{self, Shape};
use super::requester::Mark;
use super::subject::Name;

/// Largest expected difference between Gitea's clock and the hub's.
const CLOCKS_APART_MICROS: i64 = 2 * 60 * 60 * 1_000_000;
/// Issues that are searched.
const LOOKED_AT_MAX: usize = 500;

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    body: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    #[serde(default, alias = "created_at")]
    created: Option<Timestamp>,
}

/// Gitea's object that the request created since `begun`; None if there is none.
///
/// # Errors
/// Fails if Gitea can't be queried.
pub(super) async fn find(
    call: &mut Call<'_>,
    action: &Action,
    mark: &Mark,
    begun: Timestamp,
) -> Result<Option<Box<RawValue>>, Failure> {
    let since = Timestamp::from_micros(begun.as_micros() - CLOCKS_APART_MICROS);
    match action {
        Action::CreateIssue(issue) => {
            let query = [("state", "all"), ("type", "issues"), ("since", &seconds(since))];
            let path = in_repo(&issue.repo, &["issues"]);
            Ok(marked(pages::all(call, &path, &query, Shape::List, LOOKED_AT_MAX).await?, mark))
        }
        Action::AddComment { issue, .. } => {
            let number = issue.number.to_string();
            let path = in_repo(&issue.repo, &["issues", &number, "comments"]);
            match call.get(&path, &[("since", &seconds(since))]).await {
                Ok(answer) => Ok(marked(answer.read()?, mark)),
                // There is no such issue, so there is no comment either.
                Err(failure) if matches!(failure.status, Some(404 | 500)) => Ok(None),
                Err(failure) => Err(failure),
            }
        }
        Action::CreateRepo { name, org, .. } => {
            let owner = match org {
                Some(org) => org.as_str().to_owned(),
                None => login(call).await?,
            };
            made_since(call, &["repos", &owner, name.as_str()], since).await
        }
        Action::CreateOrg { name, .. } => organisation(call, name, since).await,
        _ => Ok(None),
    }
}

fn marked(entries: Vec<Box<RawValue>>, mark: &Mark) -> Option<Box<RawValue>> {
    entries.into_iter().find(|entry| {
        let written = serde_json::from_str::<Written>(entry.get());
        written.is_ok_and(|written| written.body.is_some_and(|body| body.contains(mark.as_str())))
    })
}

/// Ignores an object older than the request: somebody else created it, and Gitea refused a second one.
async fn made_since(call: &mut Call<'_>, path: &[&str], since: Timestamp) -> Result<Option<Box<RawValue>>, Failure> {
    match call.get(path, &[]).await {
        Ok(answer) => {
            let created = answer.read::<Created>()?.created;
            Ok(if created.is_some_and(|created| created >= since) { Some(answer.object()?) } else { None })
        }
        Err(failure) if failure.status == Some(404) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Checks the age of an organisation by its user object: the organisation object has no creation time.
async fn organisation(call: &mut Call<'_>, name: &Name, since: Timestamp) -> Result<Option<Box<RawValue>>, Failure> {
    match made_since(call, &["users", name.as_str()], since).await? {
        Some(_) => Ok(Some(call.get(&["orgs", name.as_str()], &[]).await?.object()?)),
        None => Ok(None),
    }
}

async fn login(call: &mut Call<'_>) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct User {
        login: String,
    }
    Ok(call.get(&["user"], &[]).await?.read::<User>()?.login)
}

/// The time in Gitea's format, without a fraction of a second.
fn seconds(time: Timestamp) -> String {
    let whole = Timestamp::from_micros(time.as_micros() / 1_000_000 * 1_000_000).to_string();
    whole.split_once('.').map_or(whole.clone(), |(date, _)| format!("{date}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole_and_in_utc() {
        assert_eq!(seconds(Timestamp::parse("2026-11-26T02:28:56.789+01:00").unwrap()), "2026-11-26T01:28:56Z");
    }
}
