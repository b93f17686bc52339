//! Gitea actions: a name and params, parsed once into values that can be sent.

use orochi_protocol::fields::{Fields, invalid};
use orochi_protocol::names::shown;
use orochi_protocol::{ErrorCode, Refusal};
use serde_json::value::RawValue;

use super::params::{Params, labels, optional_name, state};
use super::requester::About;
use super::subject::{Issue, Label, Name, Repo, State};

/// One call, as section 8 of the protocol lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// `create_issue`
    CreateIssue(NewIssue),
    /// `list_issues`
    ListIssues { repo: Repo, state: State },
    /// `close_issue`
    CloseIssue(Issue),
    /// `add_comment`
    AddComment {
        issue: Issue,
        /// The comment's text.
        body: String,
        about: About,
    },
    /// `create_repo`
    CreateRepo {
        name: Name,
        /// The owner; None is the token's user.
        org: Option<Name>,
        /// Only members of the owner see a private repository.
        private: bool,
    },
    /// `create_org`
    CreateOrg {
        name: Name,
        /// May be empty.
        description: String,
    },
    /// `list_repos`
    ListRepos {
        /// The owner; None lists everything that the token can see.
        org: Option<Name>,
    },
    /// `get_version`
    GetVersion,
    /// `get_issue`
    GetIssue(Issue),
    /// `reopen_issue`
    ReopenIssue(Issue),
    /// `edit_issue`; None leaves a part unchanged.
    EditIssue { issue: Issue, title: Option<String>, body: Option<String> },
    /// `assign`: these users and no others.
    Assign {
        issue: Issue,
        /// Login names; may be empty.
        assignees: Vec<String>,
    },
    /// `list_comments`
    ListComments(Issue),
    /// `add_labels`
    AddLabels {
        issue: Issue,
        /// At least one.
        labels: Vec<Label>,
    },
    /// `list_labels`
    ListLabels(Repo),
    /// `list_pulls`
    ListPulls { repo: Repo, state: State },
    /// `get_pull`
    GetPull(Issue),
    /// `list_my_repos`
    ListMyRepos,
}

/// The names that [`Action::parse`] accepts, for its refusal.
const KNOWN: &str = "create_issue, list_issues, get_issue, edit_issue, close_issue, reopen_issue, assign, \
    add_comment, list_comments, add_labels, list_labels, list_pulls, get_pull, create_repo, create_org, \
    list_repos, list_my_repos and get_version";

/// The fields of a new issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewIssue {
    pub repo: Repo,
    pub title: String,
    /// May be empty.
    pub body: String,
    /// May be empty.
    pub labels: Vec<Label>,
    /// Login names; may be empty.
    pub assignees: Vec<String>,
    pub about: About,
}

impl Action {
    /// Parses an action's name and its params, a JSON object.
    ///
    /// # Errors
    /// `GITEA_UNKNOWN_ACTION`, `GITEA_MISSING_PARAM`, and `INVALID_FIELD` for a value that can't be sent to Gitea.
    pub(crate) fn parse(action: &str, params: &RawValue) -> Result<Self, Refusal> {
        let fields: Fields<'_> =
            serde_json::from_str(params.get()).map_err(|_| invalid("params", "an object", params.get()))?;
        Self::from_fields(action, &fields)
    }

    /// Does the same as [`Action::parse`] with params that are already a map of fields.
    ///
    /// # Errors
    /// As [`Action::parse`].
    pub(crate) fn from_fields(action: &str, fields: &Fields<'_>) -> Result<Self, Refusal> {
        let params = Params { action, fields };
        Ok(match action {
            "create_issue" => Self::CreateIssue(NewIssue::from_fields(params.repo()?, fields)?),
            "list_issues" => Self::ListIssues { repo: params.repo()?, state: state(params.text("state")?)? },
            "close_issue" => Self::CloseIssue(params.issue()?),
            "add_comment" => Self::AddComment {
                issue: params.issue()?,
                body: params.required("body")?,
                about: About::from_fields(fields)?,
            },
            "create_repo" => Self::CreateRepo {
                name: params.name("name")?,
                org: params.org()?,
                private: fields.boolean("private")?.unwrap_or(false),
            },
            "create_org" => Self::CreateOrg { name: params.name("name")?, description: params.text("description")? },
            "list_repos" => Self::ListRepos { org: params.org()? },
            "get_version" => Self::GetVersion,
            "get_issue" => Self::GetIssue(params.issue()?),
            "reopen_issue" => Self::ReopenIssue(params.issue()?),
            "edit_issue" => edit_issue(&params)?,
            "assign" => Self::Assign { issue: params.issue()?, assignees: params.assignees()? },
            "list_comments" => Self::ListComments(params.issue()?),
            "add_labels" => {
                let (issue, labels) = (params.issue()?, labels(fields)?);
                if labels.is_empty() {
                    return Err(params.missing("labels"));
                }
                Self::AddLabels { issue, labels }
            }
            "list_labels" => Self::ListLabels(params.repo()?),
            "list_pulls" => Self::ListPulls { repo: params.repo()?, state: state(params.text("state")?)? },
            "get_pull" => Self::GetPull(params.issue()?),
            "list_my_repos" => Self::ListMyRepos,
            other => {
                let detail = format!("{} is not an action: use one of {KNOWN}", shown(other));
                return Err(Refusal::new(ErrorCode::GiteaUnknownAction, detail));
            }
        })
    }

    /// True for actions that create something. Repeating one would create a second object, or Gitea would refuse.
    pub(crate) const fn makes_something(&self) -> bool {
        matches!(
            self,
            Self::CreateIssue(_) | Self::AddComment { .. } | Self::CreateRepo { .. } | Self::CreateOrg { .. }
        )
    }

    /// Builds `list_issues` from single params; an empty state means open.
    ///
    /// # Errors
    /// `INVALID_FIELD`.
    pub(crate) fn list_issues(owner: String, repo: String, state_text: String) -> Result<Self, Refusal> {
        Ok(Self::ListIssues { repo: Repo::parse(owner, repo)?, state: state(state_text)? })
    }

    /// Builds `get_issue` from single params.
    ///
    /// # Errors
    /// `INVALID_FIELD`.
    pub(crate) fn get_issue(owner: String, repo: String, number: &str) -> Result<Self, Refusal> {
        let parsed = number.parse().ok().filter(|number| *number > 0);
        let number = parsed.ok_or_else(|| invalid("number", "a number from 1", &shown(number)))?;
        Ok(Self::GetIssue(Issue { repo: Repo::parse(owner, repo)?, number }))
    }

    /// Builds `list_repos`; an empty organisation means none.
    ///
    /// # Errors
    /// `INVALID_FIELD`.
    pub(crate) fn list_repos(org: String) -> Result<Self, Refusal> {
        Ok(Self::ListRepos { org: optional_name("org", org)? })
    }

    /// Builds `create_issue` in a repository whose name is not among the fields.
    ///
    /// # Errors
    /// `GITEA_MISSING_PARAM`, `INVALID_FIELD`.
    pub(crate) fn create_issue(owner: String, repo: String, fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self::CreateIssue(NewIssue::from_fields(Repo::parse(owner, repo)?, fields)?))
    }
}

impl NewIssue {
    fn from_fields(repo: Repo, fields: &Fields<'_>) -> Result<Self, Refusal> {
        let params = Params { action: "create_issue", fields };
        let (title, body) = (params.title()?.ok_or_else(|| params.missing("title"))?, params.text("body")?);
        let (labels, assignees) = (labels(fields)?, fields.texts("assignees")?.unwrap_or_default());
        Ok(Self { repo, title, body, labels, assignees, about: About::from_fields(fields)? })
    }
}

fn edit_issue(params: &Params<'_>) -> Result<Action, Refusal> {
    let issue = params.issue()?;
    let (title, body) = (params.title()?, params.fields.text("body")?);
    if title.is_none() && body.is_none() {
        return Err(params.missing("title or body"));
    }
    Ok(Action::EditIssue { issue, title, body })
}
