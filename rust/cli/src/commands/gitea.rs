//! `orochi gitea`: the agents' Gitea actions from a terminal. The hub makes the call with its own token.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Identity;
use super::rows::text;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::text::{inline, message};
use crate::{output, stderr};

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
    /// List a repository's issues, newest first
    Issues {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        /// Filter: open, closed or all
        #[arg(long, default_value = "open")]
        state: String,
    },
    /// Open an issue
    Create {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        #[arg(allow_hyphen_values = true)]
        title: String,
        /// The issue's text, in Markdown
        #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
        body: String,
        /// A label's name; can be given several times
        #[arg(long = "label", value_name = "NAME")]
        labels: Vec<String>,
        /// A user's login name; can be given several times
        #[arg(long = "assignee", value_name = "USER")]
        assignees: Vec<String>,
    },
    /// Comment on an issue or a pull request
    Comment {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        number: u32,
        #[arg(allow_hyphen_values = true)]
        text: String,
    },
    /// Close an issue
    Close {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        number: u32,
    },
    /// Reopen a closed issue
    Reopen {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        number: u32,
    },
    /// Show one issue or pull request, with its text
    Show {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        number: u32,
    },
    /// List a repository's pull requests
    Pulls {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
        /// Filter: open, closed or all
        #[arg(long, default_value = "open")]
        state: String,
    },
    /// List a repository's labels
    Labels {
        #[arg(value_name = "OWNER/REPO")]
        repo: Repo,
    },
    /// List all repositories that the hub's token can see, or those of an organisation or a user
    Repos {
        /// The organisation or user
        #[arg(conflicts_with = "org_flag")]
        org: Option<String>,
        /// The same as a flag
        #[arg(id = "org_flag", long = "org", value_name = "ORG")]
        org_flag: Option<String>,
    },
    /// Run any other action, such as get_issue, and print Gitea's JSON
    Call {
        action: String,
        /// Params as key=value, or one JSON object; a list is written a,b
        #[arg(value_name = "KEY=VALUE", value_parser = parse_params, allow_hyphen_values = true)]
        params: Vec<Map<String, Value>>,
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

/// Params that are lists, and params that are not text. All others are text, whatever they look like.
const LISTS: [&str; 2] = ["labels", "assignees"];
const VALUES: [&str; 3] = ["issue_number", "seq", "private"];

fn parse_params(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|error| format!("expected a JSON object ({error})"));
    }
    let (key, value) =
        text.split_once('=').ok_or("expected key=value, or a JSON object such as {\"owner\": \"lab\"}")?;
    let value = if VALUES.contains(&key) {
        serde_json::from_str(value).map_err(|_| format!("expected {key} to be a number, true or false"))?
    } else if LISTS.contains(&key) && !value.trim_start().starts_with('[') {
        // A number is read as an id. A label whose name is a number has to be written as JSON.
        let one = |name: &str| name.parse::<u64>().map_or_else(|_| json!(name), |id| json!(id));
        value.split(',').filter(|name| !name.is_empty()).map(one).collect()
    } else if LISTS.contains(&key) {
        serde_json::from_str(value).map_err(|error| format!("expected {key} to be a list ({error})"))?
    } else {
        json!(value)
    };
    Ok(Map::from_iter([(key.to_owned(), value)]))
}

/// Prints the parts of the request that Gitea ignored.
fn say_dropped(answer: &Value) {
    let names = |key: &str| {
        let list = answer.get(key).and_then(Value::as_array)?;
        Some(list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), ToOwned::to_owned)).collect::<Vec<_>>())
    };
    if let Some(labels) = names("labels_dropped") {
        stderr::say(&format!("Gitea ignored these labels: {}\n", inline(&labels.join(", "))));
    }
    if let Some(users) = names("assignees_dropped") {
        stderr::say(&format!("Gitea did not assign: {}\n", inline(&users.join(", "))));
    }
    if answer.get("title_cut").is_some() {
        stderr::say("Gitea cut the title to 255 columns\n");
    }
}

impl Gitea {
    pub async fn run(self, hub: &Hub, identity: &Identity) -> Result<(), Failure> {
        let (action, mut params) = self.ask.request();
        params.insert("sender".to_owned(), json!(identity.name));
        // The id makes the action idempotent if it has to be sent again.
        params.insert("id".to_owned(), json!(Uuid::now_v7().to_string()));
        let answer: Value = hub.post_once(&["api", "gitea", "actions", &action], &Value::Object(params)).await?;
        say_dropped(&answer);
        if self.json || matches!(self.ask, Ask::Call { .. }) {
            return output::json(&answer);
        }
        self.ask.print(&answer)
    }
}

impl Ask {
    /// Builds the action and its params.
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
            Self::Show { repo, number } => ("get_issue", at(repo, json!({"issue_number": number}))),
            Self::Pulls { repo, state } => ("list_pulls", at(repo, json!({"state": state}))),
            Self::Labels { repo } => ("list_labels", at(repo, json!({}))),
            Self::Repos { org, org_flag } => {
                ("list_repos", Map::from_iter([("org".to_owned(), json!(org.as_ref().or(org_flag.as_ref())))]))
            }
            Self::Call { action, params } => return (action.clone(), params.iter().flatten().map(owned).collect()),
        };
        (action.to_owned(), params)
    }

    fn print(&self, answer: &Value) -> Result<(), Failure> {
        let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        match self {
            Self::Issues { repo, state } if rows.is_empty() => {
                output::line(&format!("No {state} issues in {}/{}.", repo.owner, repo.name))
            }
            Self::Pulls { repo, state } if rows.is_empty() => {
                output::line(&format!("No {state} pull requests in {}/{}.", repo.owner, repo.name))
            }
            Self::Labels { repo } if rows.is_empty() => {
                output::line(&format!("No labels in {}/{}.", repo.owner, repo.name))
            }
            Self::Repos { .. } if rows.is_empty() => output::line("No repositories."),
            Self::Labels { .. } => rows.iter().try_for_each(|row| output::line(&inline(text(row, "name")))),
            Self::Show { .. } => {
                output::line(&issue(answer))?;
                let body = text(answer, "body");
                if body.is_empty() { Ok(()) } else { output::line(&message(&format!("\n{body}"))) }
            }
            Self::Issues { .. } | Self::Pulls { .. } => rows.iter().try_for_each(|row| output::line(&issue(row))),
            Self::Repos { .. } => rows.iter().try_for_each(|row| output::line(&inline(text(row, "full_name")))),
            Self::Comment { repo, number, .. } => {
                output::line(&format!("Commented on {}/{}#{number}", repo.owner, repo.name))
            }
            Self::Create { .. } | Self::Close { .. } | Self::Reopen { .. } => output::line(&issue(answer)),
            Self::Call { .. } => output::json(answer),
        }
    }
}

fn owned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

/// An issue as a line, such as `#7 open   It fails   http://…`.
fn issue(row: &Value) -> String {
    let number = row.get("number").and_then(Value::as_u64).unwrap_or_default();
    let place = row.get("html_url").and_then(Value::as_str).unwrap_or_default();
    let line = format!("#{number:<5} {:<7} {}  {place}", text(row, "state"), text(row, "title"));
    inline(line.trim_end())
}
