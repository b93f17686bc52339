//! `orochi gitea`: what agents can do at Gitea, from a terminal; the hub makes the call with its own token.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Identity;
use super::rows::text;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;
use crate::text::inline;

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Gitea {
    #[command(subcommand)]
    ask: Ask,
    /// Print Gitea's own JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Ask {
    /// A repository's issues, newest first
    Issues {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        /// Which: open, closed or all
        #[arg(long, default_value = "open")]
        state: String,
    },
    /// Opens an issue
    Create {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        #[arg(allow_hyphen_values = true)]
        title: String,
        /// Its text, in Markdown
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        body: String,
        /// A label's name; can be given several times
        #[arg(long = "label", value_name = "NAME")]
        labels: Vec<String>,
        /// A user's login name; can be given several times
        #[arg(long = "assignee", value_name = "USER")]
        assignees: Vec<String>,
    },
    /// Comments on an issue or a pull request
    Comment {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        number: u32,
        #[arg(allow_hyphen_values = true)]
        text: String,
    },
    /// Closes an issue
    Close {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        number: u32,
    },
    /// Opens a closed issue again
    Reopen {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        number: u32,
    },
    /// All repositories that the hub's token sees, or an organisation's
    Repos {
        /// The organisation
        #[arg(long)]
        org: Option<String>,
    },
    /// Any other action, such as get_issue; prints Gitea's JSON
    Call {
        action: String,
        /// Its params, a JSON object
        #[arg(default_value = "{}", value_parser = parse_params)]
        params: Map<String, Value>,
    },
}

#[derive(Debug, Clone)]
struct Repo {
    owner: String,
    name: String,
}

impl std::str::FromStr for Repo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err("expected owner/repo, such as lab/api".to_owned()),
        }
    }
}

fn parse_params(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("expected a JSON object ({error})"))
}

impl Gitea {
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        let (action, mut params) = self.ask.request();
        params.insert("sender".to_owned(), json!(identity.name));
        // Under its id it is made once, also where it has to be sent again.
        params.insert("id".to_owned(), json!(Uuid::now_v7().to_string()));
        let answer: Value = hub.post_once(&["api", "gitea", "actions", &action], &Value::Object(params)).await?;
        if self.json || matches!(self.ask, Ask::Call { .. }) {
            return output::json(&answer);
        }
        self.ask.print(&answer)
    }
}

impl Ask {
    /// The action and its params.
    fn request(&self) -> (String, Map<String, Value>) {
        let at = |repo: &Repo, more: Value| {
            let mut params =
                Map::from_iter([("owner".to_owned(), json!(repo.owner)), ("repo".to_owned(), json!(repo.name))]);
            params.extend(more.as_object().cloned().unwrap_or_default());
            params
        };
        let (action, params) = match self {
            Self::Issues { repo, state } => ("list_issues", at(repo, json!({"state": state}))),
            Self::Create { repo, title, body, labels, assignees } => {
                let issue = json!({"title": title, "body": body, "labels": labels, "assignees": assignees});
                ("create_issue", at(repo, issue))
            }
            Self::Comment { repo, number, text } => {
                ("add_comment", at(repo, json!({"issue_number": number, "body": text})))
            }
            Self::Close { repo, number } => ("close_issue", at(repo, json!({"issue_number": number}))),
            Self::Reopen { repo, number } => ("reopen_issue", at(repo, json!({"issue_number": number}))),
            Self::Repos { org } => ("list_repos", Map::from_iter([("org".to_owned(), json!(org))])),
            Self::Call { action, params } => return (action.clone(), params.clone()),
        };
        (action.to_owned(), params)
    }

    fn print(&self, answer: &Value) -> Result<(), Failure> {
        let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        match self {
            Self::Issues { repo, state } if rows.is_empty() => {
                output::line(&format!("No {state} issues in {}/{}.", repo.owner, repo.name))
            }
            Self::Repos { .. } if rows.is_empty() => output::line("No repositories."),
            Self::Issues { .. } => rows.iter().try_for_each(|row| output::line(&issue(row))),
            Self::Repos { .. } => rows.iter().try_for_each(|row| output::line(&inline(text(row, "full_name")))),
            Self::Comment { repo, number, .. } => {
                output::line(&format!("Commented on {}/{}#{number}", repo.owner, repo.name))
            }
            Self::Create { .. } | Self::Close { .. } | Self::Reopen { .. } => output::line(&issue(answer)),
            Self::Call { .. } => output::json(answer),
        }
    }
}

/// `#7 open   It fails   http://…`
fn issue(row: &Value) -> String {
    let number = row.get("number").and_then(Value::as_u64).unwrap_or_default();
    let place = row.get("html_url").and_then(Value::as_str).unwrap_or_default();
    let line = format!("#{number:<5} {:<7} {}  {place}", text(row, "state"), text(row, "title"));
    inline(line.trim_end())
}
