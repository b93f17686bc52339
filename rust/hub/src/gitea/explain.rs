//! Explains a refusal from Gitea. Gitea answers the same "not found" for a missing owner, a missing or hidden
//! repository, disabled issues, a missing issue, and an issue in place of a pull request. Some of them give a 500
//! without a message. So the hub sends further requests and names the cause.

use serde::Deserialize;

use super::action::Action;
use super::failure::{Failure, refused};
use super::http::{Call, in_repo};
use super::subject::{Issue, Name, Repo};

/// Assignees whose existence is checked.
const USERS_MAX: usize = 20;

/// The object of an action that may be missing.
enum About<'a> {
    Repo(&'a Repo),
    Issue(&'a Issue),
    Pull(&'a Issue),
    Org(&'a Name),
    Nothing,
}

#[derive(Deserialize)]
struct FoundRepo {
    #[serde(default = "yes")]
    has_issues: bool,
    #[serde(default = "yes")]
    has_pull_requests: bool,
}

/// The default for older versions of Gitea, which leave the key out.
fn yes() -> bool {
    true
}

/// The same failure with a sentence that names the missing object. Unchanged if the cause can't be found.
pub(super) async fn explain(call: &mut Call<'_>, action: &Action, failure: Failure) -> Failure {
    if !matches!(failure.status, Some(404 | 500)) {
        return failure;
    }
    // Gitea refused the request, so the result is certain, even if this lookup fails.
    call.is_refused();
    match look(call, action, failure.status == Some(500)).await {
        Ok(Some(explained)) => with_words(explained, &failure),
        Ok(None) | Err(_) => failure,
    }
}

fn with_words(mut explained: Failure, original: &Failure) -> Failure {
    let words = &original.refusal.detail;
    if original.status == Some(404) && words != "not found" {
        explained.refusal.detail += &format!(" (Gitea: {words})");
    }
    explained
}

async fn look(call: &mut Call<'_>, action: &Action, is_500: bool) -> Result<Option<Failure>, Failure> {
    if let Some((agent, user)) = call.sudo()
        && !call.as_ourselves(&["users", &user]).await?
    {
        let detail = format!("no user {user} at Gitea, as whom OROCHI_GITEA_USERS has {agent}'s calls made");
        return Ok(Some(refused(404, detail)));
    }
    match about(action) {
        About::Repo(repo) => in_repository(call, repo, action).await,
        About::Issue(issue) => match in_repository(call, &issue.repo, action).await? {
            None if !exists(call, &issue.repo, "issues", issue.number).await? => {
                Ok(Some(refused(404, format!("{} has no issue {}", issue.repo, issue.number))))
            }
            None => assignees(call, action).await,
            missing => Ok(missing),
        },
        About::Pull(pull) => match in_repository(call, &pull.repo, action).await? {
            None if exists(call, &pull.repo, "issues", pull.number).await? => {
                let detail = format!("number {} in {} is an issue, not a pull request", pull.number, pull.repo);
                Ok(Some(refused(404, detail)))
            }
            None => Ok(Some(refused(404, format!("{} has no pull request {}", pull.repo, pull.number)))),
            missing => Ok(missing),
        },
        About::Org(_) | About::Nothing if is_500 => Ok(reserved(action)),
        About::Org(org) => {
            let what = if is_there(call, &["users", org.as_str()]).await? { ", it is a user" } else { "" };
            Ok(Some(refused(404, format!("no organisation {}{what}", org.as_str()))))
        }
        About::Nothing => Ok(None),
    }
}

fn about(action: &Action) -> About<'_> {
    match action {
        Action::CreateIssue(issue) => About::Repo(&issue.repo),
        Action::ListIssues { repo, .. } | Action::ListPulls { repo, .. } | Action::ListLabels(repo) => {
            About::Repo(repo)
        }
        Action::CloseIssue(issue)
        | Action::ReopenIssue(issue)
        | Action::GetIssue(issue)
        | Action::ListComments(issue)
        | Action::AddComment { issue, .. }
        | Action::EditIssue { issue, .. }
        | Action::Assign { issue, .. }
        | Action::AddLabels { issue, .. } => About::Issue(issue),
        Action::GetPull(pull) => About::Pull(pull),
        Action::CreateRepo { org: Some(org), .. } | Action::ListRepos { org: Some(org) } => About::Org(org),
        Action::CreateRepo { org: None, .. }
        | Action::CreateOrg { .. }
        | Action::ListRepos { org: None }
        | Action::ListMyRepos
        | Action::GetVersion => About::Nothing,
    }
}

/// Returns None if the repository exists and has the action's object.
async fn in_repository(call: &mut Call<'_>, repo: &Repo, action: &Action) -> Result<Option<Failure>, Failure> {
    let found: FoundRepo = match call.get(&in_repo(repo, &[]), &[]).await {
        Ok(answer) => answer.read()?,
        Err(failure) if failure.status == Some(404) => {
            let owner = repo.owner.as_str();
            let detail = if is_there(call, &["users", owner]).await? {
                format!("no repository {repo}, or the token's user may not see it")
            } else {
                format!("no owner {owner}: Gitea has no user and no organisation of that name")
            };
            return Ok(Some(refused(404, detail)));
        }
        Err(failure) => return Err(failure),
    };
    let is_of_pulls = matches!(action, Action::ListPulls { .. } | Action::GetPull(_));
    let is_of_labels = matches!(action, Action::ListLabels(_));
    if is_of_pulls && !found.has_pull_requests {
        return Ok(Some(refused(404, format!("pull requests are switched off in {repo}"))));
    }
    if !is_of_pulls && !is_of_labels && !found.has_issues {
        return Ok(Some(refused(404, format!("issues are switched off in {repo}"))));
    }
    Ok(None)
}

async fn assignees(call: &mut Call<'_>, action: &Action) -> Result<Option<Failure>, Failure> {
    let Action::Assign { assignees, .. } = action else { return Ok(None) };
    for name in assignees.iter().take(USERS_MAX) {
        if !is_there(call, &["users", name]).await? {
            return Ok(Some(refused(422, format!("assignees: no user {name} at Gitea"))));
        }
    }
    Ok(None)
}

fn reserved(action: &Action) -> Option<Failure> {
    let Action::CreateRepo { name, .. } = action else { return None };
    let detail = "Gitea answers 500 without a word to a name that it keeps for itself, such as -, or one that ends in \
                  .git, .wiki, .rss or .atom";
    Some(refused(500, format!("no repository {} was made: {detail}", name.as_str())))
}

async fn exists(call: &mut Call<'_>, repo: &Repo, kind: &str, number: u32) -> Result<bool, Failure> {
    let number = number.to_string();
    is_there(call, &in_repo(repo, &[kind, &number])).await
}

async fn is_there(call: &mut Call<'_>, path: &[&str]) -> Result<bool, Failure> {
    match call.get(path, &[]).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.status == Some(404) => Ok(false),
        Err(failure) => Err(failure),
    }
}
