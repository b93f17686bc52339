//! Reads an action's params one by one.

use orochi_protocol::fields::{Fields, invalid};
use orochi_protocol::names::shown;
use orochi_protocol::{ErrorCode, Refusal};

use super::subject::{Issue, Label, Name, Repo, State};

/// Labels of one new issue.
const LABELS_MAX: usize = 100;

/// One action's params. Refusals for missing params name the action.
pub(super) struct Params<'a> {
    pub(super) action: &'a str,
    pub(super) fields: &'a Fields<'a>,
}

impl Params<'_> {
    /// Empty if absent, as in 0.1.0.
    pub(super) fn text(&self, name: &str) -> Result<String, Refusal> {
        Ok(self.fields.text(name)?.unwrap_or_default())
    }

    pub(super) fn required(&self, name: &str) -> Result<String, Refusal> {
        self.fields.text(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn name(&self, name: &str) -> Result<Name, Refusal> {
        Name::parse(name, self.required(name)?)
    }

    pub(super) fn org(&self) -> Result<Option<Name>, Refusal> {
        optional_name("org", self.text("org")?)
    }

    pub(super) fn repo(&self) -> Result<Repo, Refusal> {
        Repo::parse(self.required("owner")?, self.required("repo")?)
    }

    pub(super) fn issue(&self) -> Result<Issue, Refusal> {
        let repo = self.repo()?;
        let number = self.fields.whole("issue_number", 1..=u32::MAX)?;
        Ok(Issue { repo, number: number.ok_or_else(|| self.missing("issue_number"))? })
    }

    /// Refuses a blank title, which can't be intended: Gitea accepts one for a new issue and ignores it in a change.
    pub(super) fn title(&self) -> Result<Option<String>, Refusal> {
        match self.fields.text("title")? {
            Some(title) if title.trim().is_empty() => {
                Err(invalid("title", "a title that is not blank", &format!("{title:?}")))
            }
            title => Ok(title),
        }
    }

    pub(super) fn assignees(&self) -> Result<Vec<String>, Refusal> {
        self.fields.texts("assignees")?.ok_or_else(|| self.missing("assignees"))
    }

    pub(super) fn missing(&self, name: &str) -> Refusal {
        Refusal::new(ErrorCode::GiteaMissingParam, format!("{} needs the param {name}, which is missing", self.action))
    }
}

pub(super) fn labels(fields: &Fields<'_>) -> Result<Vec<Label>, Refusal> {
    let expected = "a list of at most 100 label names or ids";
    let Some(raw) = fields.raw("labels") else { return Ok(Vec::new()) };
    let labels: Vec<Label> = serde_json::from_str(raw.get()).map_err(|_| invalid("labels", expected, raw.get()))?;
    if labels.len() > LABELS_MAX {
        return Err(invalid("labels", expected, &format!("a list of {}", labels.len())));
    }
    Ok(labels)
}

pub(super) fn optional_name(field: &str, text: String) -> Result<Option<Name>, Refusal> {
    if text.is_empty() { Ok(None) } else { Name::parse(field, text).map(Some) }
}

/// Refuses an unknown state. Gitea would read it as `open` and give a wrong answer to a misspelt request.
pub(super) fn state(text: String) -> Result<State, Refusal> {
    match text.as_str() {
        "" | "open" => Ok(State::Open),
        "closed" => Ok(State::Closed),
        "all" => Ok(State::All),
        _ => Err(invalid("state", "open, closed or all", &shown(&text))),
    }
}
