//! Issues: create, list, change, close, comment.

use reqwest::Method;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::action::NewIssue;
use super::dropped::{self, Asked};
use super::failure::Failure;
use super::http::{Call, in_repo};
use super::labels;
use super::pages::{self, ENTRIES_MAX, Shape};
use super::subject::{Issue, Label, Repo, State};

/// Creates an issue.
pub(super) async fn create(call: &mut Call<'_>, issue: &NewIssue) -> Result<Box<RawValue>, Failure> {
    #[derive(Serialize)]
    struct Body<'a> {
        title: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        body: &'a str,
        #[serde(skip_serializing_if = "<[u64]>::is_empty")]
        labels: &'a [u64],
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        assignees: &'a [String],
    }
    let ids = labels::resolve(call, &issue.repo, &issue.labels).await?;
    let text = call.sign(&issue.body, &issue.about);
    let body = Body { title: &issue.title, body: &text, labels: &ids, assignees: &issue.assignees };
    let made = call.write(Method::POST, &in_repo(&issue.repo, &["issues"]), &body).await?;
    dropped::of_issue(made, &Asked { title: Some(&issue.title), labels: &ids, assignees: &issue.assignees })
}

/// Lists issues. Gitea would otherwise mix in pull requests.
pub(super) async fn list(call: &mut Call<'_>, repo: &Repo, state: State) -> Result<Box<RawValue>, Failure> {
    let query = [("state", state.as_str()), ("type", "issues")];
    pages::to_list(pages::all(call, &in_repo(repo, &["issues"]), &query, Shape::List, ENTRIES_MAX).await?)
}

/// Gets one issue; pull requests are issues too.
pub(super) async fn get(call: &mut Call<'_>, issue: &Issue) -> Result<Box<RawValue>, Failure> {
    let number = issue.number.to_string();
    call.get(&in_repo(&issue.repo, &["issues", &number]), &[]).await?.object()
}

/// Closes or reopens an issue. The state is sent alone: Gitea stores other fields before it refuses a state.
pub(super) async fn set_state(call: &mut Call<'_>, issue: &Issue, state: State) -> Result<Box<RawValue>, Failure> {
    change(call, issue, &json!({"state": state.as_str()})).await
}

/// Changes an issue's title or text.
pub(super) async fn edit(
    call: &mut Call<'_>,
    issue: &Issue,
    title: Option<&str>,
    body: Option<&str>,
) -> Result<Box<RawValue>, Failure> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<&'a str>,
    }
    let changed = change(call, issue, &Body { title, body }).await?;
    dropped::of_issue(changed, &Asked { title, ..Asked::default() })
}

/// Replaces the assignees of an issue.
pub(super) async fn assign(call: &mut Call<'_>, issue: &Issue, to: &[String]) -> Result<Box<RawValue>, Failure> {
    let changed = change(call, issue, &json!({"assignees": to})).await?;
    dropped::of_issue(changed, &Asked { assignees: to, ..Asked::default() })
}

async fn change<T: Serialize>(call: &mut Call<'_>, issue: &Issue, body: &T) -> Result<Box<RawValue>, Failure> {
    let number = issue.number.to_string();
    call.write(Method::PATCH, &in_repo(&issue.repo, &["issues", &number]), body).await
}

/// Lists an issue's comments, which Gitea returns on one page.
pub(super) async fn comments(call: &mut Call<'_>, issue: &Issue) -> Result<Box<RawValue>, Failure> {
    let number = issue.number.to_string();
    let answer = call.get(&in_repo(&issue.repo, &["issues", &number, "comments"]), &[]).await?;
    pages::to_list(answer.read()?)
}

/// Adds labels to an issue. The answer lists all its labels.
pub(super) async fn add_labels(call: &mut Call<'_>, issue: &Issue, added: &[Label]) -> Result<Box<RawValue>, Failure> {
    let ids = labels::resolve(call, &issue.repo, added).await?;
    let number = issue.number.to_string();
    let path = in_repo(&issue.repo, &["issues", &number, "labels"]);
    let all = call.write_for_list(Method::POST, &path, &json!({"labels": ids})).await?;
    dropped::of_labels(all, &ids)
}

/// Adds a comment.
pub(super) async fn comment(call: &mut Call<'_>, issue: &Issue, body: &str) -> Result<Box<RawValue>, Failure> {
    let number = issue.number.to_string();
    let path = in_repo(&issue.repo, &["issues", &number, "comments"]);
    call.write(Method::POST, &path, &json!({"body": body})).await
}
