//! An event at Gitea with what its line needs, and keys that keep it from being posted twice.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::payload::{Comment, Commit, LineComment, Payload, Release, Repository, Review, Subject, User};
use super::signature::name_of;

/// Characters of a ref's name that are not escaped in an address.
const REF_LETTERS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/').remove(b'~');

/// An event at Gitea.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    /// `issues`, `issue_comment`, `pull_request`, `push`, `release`, `status` or `workflow_run`.
    pub kind: String,
    /// `opened`, `created` and so on; for a ref `pushed`, `created` or `deleted`.
    pub action: String,
    /// `owner/name`.
    pub repo: String,
    /// Gitea's number for the repository; it survives renames.
    pub repo_id: u64,
    /// The repository's page.
    pub repo_url: String,
    /// The user who caused the event.
    pub sender: String,
    /// Gitea's number for that user, which survives renames; 0 if unknown.
    pub sender_id: u64,
    /// The number of the issue or pull request.
    pub number: Option<u64>,
    /// The subject's title: an issue's title, a release's name, the last commit's first line.
    pub title: String,
    /// The page that shows the event.
    pub url: String,
    /// `open` or `closed`; for a CI result `failure`, `error` or `success`.
    pub state: String,
    /// The text that a user wrote, in Markdown. Empty if this event does not add it.
    pub body: String,
    pub is_pull: bool,
    /// The branch or tag.
    pub branch: String,
    pub is_tag: bool,
    /// The number of pushed commits.
    pub commits: u64,
    /// The pushed commit, or the commit of a CI result.
    pub sha: String,
    /// The check of a CI result.
    pub context: String,
    /// The file and line of a review's comment.
    pub place: String,
    /// The event's time on Gitea's clock (RFC 3339), if Gitea sends it.
    pub at: String,
    /// Logins of the users whose work the event concerns.
    pub of_users: Vec<String>,
    /// The pull request's text. Its last line may name the agent whose work the event concerns.
    pub of_text: String,
    /// Found by a query to Gitea after its delivery was missed.
    pub is_late: bool,
    /// Keys of this event. Two events that share a key are the same, and only the first is posted.
    pub keys: Vec<String>,
    /// Keys that are valid for a minute, because the same event can happen again.
    pub brief_keys: Vec<String>,
    /// Keys used only for events found by a query: a delivery does not have the object's number.
    pub weak_keys: Vec<String>,
}

/// The delivery does not match the event in its header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTheEvent {
    /// The body is not a JSON object, or has another shape.
    #[error("the delivery is not Gitea's JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The event's object is missing from the body.
    #[error("the delivery is not a {kind} event: it has no {missing}")]
    Missing {
        /// The event in the header.
        kind: &'static str,
        /// The missing key.
        missing: &'static str,
    },
}

impl Event {
    /// Parses a delivery of this kind (`X-Gitea-Event`). Returns None for kinds and changes that are not posted; the
    /// body of such a kind is not read.
    ///
    /// # Errors
    /// Fails if the body is not the event that its header names.
    pub(crate) fn parse(kind: &str, body: &[u8]) -> Result<Option<Self>, NotTheEvent> {
        let Some(kind) = Kind::parse(kind) else { return Ok(None) };
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(NotTheEvent::Json(serde::de::Error::custom("expected an object")));
        }
        let payload: Payload = serde_json::from_slice(body)?;
        payload.into_event(kind)
    }

    /// The fields that all events of a repository share.
    pub(crate) fn in_repo(kind: &str, repository: &Repository, sender: &User) -> Self {
        Self {
            kind: kind.to_owned(),
            repo: repository.full_name.clone(),
            repo_id: repository.id,
            repo_url: repository.html_url.clone(),
            sender: sender.login.clone(),
            sender_id: sender.id,
            at: repository.updated_at.clone(),
            ..Self::default()
        }
    }

    /// A review. A delivery has no number for a review, so its key is made of the user, the pull request, the verdict
    /// and the text.
    pub(crate) fn of_review(self, verdict: &str, body: String, pull: Subject) -> Self {
        let number = self.number.or(pull.number).unwrap_or_default();
        // The number survives a rename between the delivery and a later query.
        let by = if self.sender_id == 0 { self.sender.clone() } else { self.sender_id.to_string() };
        let key = format!("repo:{}:review:{number}:{by}:{verdict}:{}", self.repo_id, name_of(body.as_bytes()));
        let event = Self { action: verdict.to_owned(), weak_keys: vec![key], ..self };
        Self { body, ..pull_event(event, pull) }
    }

    /// Returns whether this user caused the event.
    pub(crate) fn is_by(&self, user: &User) -> bool {
        if self.sender_id == 0 || user.id == 0 { user.login == self.sender } else { user.id == self.sender_id }
    }

    /// A review's comment on a line of a pull request.
    pub(crate) fn of_line_comment(mut self, comment: LineComment, number: u64, title: &str) -> Self {
        self.keys.push(format!("repo:{}:line-comment:{}", self.repo_id, comment.id));
        let line = if comment.position > 0 { comment.position } else { comment.original_position };
        Self {
            kind: "review_comment".to_owned(),
            action: "created".to_owned(),
            number: Some(number),
            title: title.to_owned(),
            is_pull: true,
            place: format!("{} line {line}", comment.path),
            url: comment.html_url,
            body: comment.body,
            at: comment.created_at,
            ..self
        }
    }

    /// A change of an issue or a pull request.
    pub(crate) fn of_subject(mut self, subject: Subject) -> Self {
        // Gitea reports a merge as `closed`.
        let merged = subject.merged || subject.pull_request.is_some_and(|pull| pull.merged);
        if merged && self.action == "closed" {
            "merged".clone_into(&mut self.action);
        }
        self.number = self.number.or(subject.number);
        let what = match self.action.as_str() {
            "opened" => Some("opened".to_owned()),
            "closed" | "merged" if !subject.closed_at.is_empty() => Some(format!("closed:{}", subject.closed_at)),
            _ => None,
        };
        if let (Some(number), Some(what)) = (self.number, what) {
            self.keys.push(format!("repo:{}:issue:{number}:{what}", self.repo_id));
        }
        if self.action == "opened" {
            self.body = subject.body;
        }
        Self { title: subject.title, url: subject.html_url, state: subject.state, at: subject.updated_at, ..self }
    }

    /// A comment on an issue or a pull request.
    pub(crate) fn of_comment(mut self, comment: Comment, subject: &Subject) -> Self {
        "issue_comment".clone_into(&mut self.kind);
        if self.action == "created" {
            self.body = comment.body;
            self.keys.push(format!("repo:{}:comment:{}", self.repo_id, comment.id));
        }
        let is_pull = self.is_pull || subject.pull_request.is_some();
        let (title, state) = (subject.title.clone(), subject.state.clone());
        Self { number: subject.number, title, state, is_pull, url: comment.html_url, at: comment.updated_at, ..self }
    }

    pub(crate) fn of_release(mut self, release: Release) -> Self {
        if matches!(self.action.as_str(), "published" | "deleted") {
            self.keys.push(format!("repo:{}:release:{}:{}", self.repo_id, release.id, self.action));
        }
        let title = if release.name.is_empty() { release.tag_name } else { release.name };
        let body = if self.action == "published" { release.body } else { String::new() };
        Self { title, url: release.html_url, body, at: release.published_at, ..self }
    }

    /// The first seven characters of the commit, as Gitea shows it.
    pub(crate) fn short_sha(&self) -> &str {
        &self.sha[..self.sha.floor_char_boundary(7)]
    }

    fn of_ref(mut self, name: &str, is_tag: bool, action: &str) -> Self {
        let space = if is_tag { "tags" } else { "heads" };
        self.brief_keys.push(format!("repo:{}:refs/{space}/{name}:{action}", self.repo_id));
        let seen = if is_tag { "tag" } else { "branch" };
        self.url = match action {
            "created" => format!("{}/src/{seen}/{}", self.repo_url, utf8_percent_encode(name, REF_LETTERS)),
            _ => self.repo_url.clone(),
        };
        Self { kind: "push".to_owned(), action: action.to_owned(), branch: name.to_owned(), is_tag, ..self }
    }
}

/// The kinds that are posted.
#[derive(Clone, Copy)]
enum Kind {
    Issues,
    PullRequest,
    Comment,
    Review { verdict: &'static str },
    Push,
    Create,
    Delete,
    Release,
    Status,
    WorkflowRun,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "issues" => Self::Issues,
            "pull_request" => Self::PullRequest,
            "issue_comment" => Self::Comment,
            "pull_request_approved" => Self::Review { verdict: "approved" },
            "pull_request_rejected" => Self::Review { verdict: "rejected" },
            "pull_request_comment" => Self::Review { verdict: "reviewed" },
            "push" => Self::Push,
            "create" => Self::Create,
            "delete" => Self::Delete,
            "release" => Self::Release,
            "status" => Self::Status,
            "workflow_run" => Self::WorkflowRun,
            _ => return None,
        })
    }
}

impl Payload {
    fn into_event(mut self, kind: Kind) -> Result<Option<Event>, NotTheEvent> {
        // Older versions of Gitea send a comment on a pull request as a review.
        let is_comment = matches!(kind, Kind::Review { .. }) && self.comment.is_some();
        let kind = if is_comment { Kind::Comment } else { kind };
        let mut event = Event::in_repo("", &self.repository, &self.sender);
        event.action = std::mem::take(&mut self.action);
        (event.number, event.is_pull) = (self.number, self.is_pull);
        let missing = |kind, missing| NotTheEvent::Missing { kind, missing };
        Ok(match kind {
            Kind::Issues => {
                let issue = self.issue.ok_or(missing("issues", "issue"))?;
                Some(Event { kind: "issues".to_owned(), ..event }.of_subject(issue))
            }
            Kind::PullRequest => {
                let pull = self.pull_request.ok_or(missing("pull_request", "pull_request"))?;
                Some(pull_event(event, pull))
            }
            Kind::Comment => {
                let comment = self.comment.ok_or(missing("issue_comment", "comment"))?;
                event.is_pull |= self.pull_request.is_some();
                let subject = self.issue.or(self.pull_request).ok_or(missing("issue_comment", "issue"))?;
                Some(event.of_comment(comment, &subject))
            }
            Kind::Review { verdict } => {
                let pull = self.pull_request.ok_or(missing("review", "pull_request"))?;
                Some(review_event(event, &self.review.unwrap_or_default(), verdict, pull))
            }
            Kind::Push => {
                let name = self.r#ref.take().ok_or(missing("push", "ref"))?;
                Some(self.push_event(event, &name))
            }
            Kind::Create | Kind::Delete => {
                let name = self.r#ref.ok_or(missing("create or delete", "ref"))?;
                let action = if matches!(kind, Kind::Create) { "created" } else { "deleted" };
                Some(Event { sha: self.sha, ..event }.of_ref(&name, self.ref_type == "tag", action))
            }
            Kind::Release => {
                let release = self.release.ok_or(missing("release", "release"))?;
                Some(Event { kind: "release".to_owned(), ..event }.of_release(release))
            }
            Kind::Status => {
                let context = self.context.take().ok_or(missing("status", "context"))?;
                self.status_event(event, context)
            }
            Kind::WorkflowRun => self.workflow_event(event)?,
        })
    }

    fn push_event(self, event: Event, name: &str) -> Event {
        let is_nothing = |id: &str| !id.is_empty() && id.bytes().all(|digit| digit == b'0');
        let before = self.before.unwrap_or_default();
        let tag = name.strip_prefix("refs/tags/");
        let short = tag.or(name.strip_prefix("refs/heads/")).unwrap_or(name);
        let event = Event { sha: self.after.clone(), ..event };
        if before == self.after && !before.is_empty() {
            let url = self.repository.html_url;
            return Event { kind: "push".to_owned(), action: "tested".to_owned(), url, ..event };
        }
        if is_nothing(&self.after) {
            return event.of_ref(short, tag.is_some(), "deleted");
        }
        if is_nothing(&before) {
            return event.of_ref(short, tag.is_some(), "created");
        }
        Event {
            kind: "push".to_owned(),
            action: "pushed".to_owned(),
            branch: short.to_owned(),
            is_tag: tag.is_some(),
            commits: self.total_commits,
            title: first_line(self.commits.first().or(self.head_commit.as_ref())),
            url: if self.compare_url.is_empty() { self.repository.html_url } else { self.compare_url },
            ..event
        }
    }

    /// Returns None for a pending status, which is not posted.
    fn status_event(self, event: Event, context: String) -> Option<Event> {
        if !matches!(self.state.as_str(), "failure" | "error" | "success") {
            return None;
        }
        let author = self.commit.map(|commit| commit.author.username).filter(|login| !login.is_empty());
        let url = if self.target_url.is_empty() {
            format!("{}/commit/{}", event.repo_url, self.sha)
        } else {
            self.target_url
        };
        Some(Event {
            kind: "status".to_owned(),
            keys: vec![format!("repo:{}:status:{}", event.repo_id, self.id)],
            state: self.state,
            title: self.description,
            of_users: author.into_iter().collect(),
            sha: self.sha,
            context,
            url,
            ..event
        })
    }

    /// Posts only runs that succeeded or failed. A cancelled or skipped run shows nothing about the code.
    fn workflow_event(self, event: Event) -> Result<Option<Event>, NotTheEvent> {
        let run = self.workflow_run.ok_or(NotTheEvent::Missing { kind: "workflow_run", missing: "workflow_run" })?;
        let state = match run.conclusion.as_str() {
            "failure" | "timed_out" | "startup_failure" => "failure",
            "success" => "success",
            _ => return Ok(None),
        };
        if event.action != "completed" {
            return Ok(None);
        }
        let context = [self.workflow.name, run.name].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let actors = [run.actor.login, run.trigger_actor.login].into_iter().filter(|login| !login.is_empty());
        Ok(Some(Event {
            kind: "workflow_run".to_owned(),
            keys: vec![format!("repo:{}:run:{}:{}", event.repo_id, run.id, run.run_attempt)],
            state: state.to_owned(),
            title: run.display_title,
            branch: run.head_branch,
            sha: run.head_sha,
            url: run.html_url,
            of_users: actors.collect(),
            context,
            ..event
        }))
    }
}

fn pull_event(event: Event, pull: Subject) -> Event {
    let event = Event {
        kind: "pull_request".to_owned(),
        is_pull: true,
        sha: pull.head.sha.clone(),
        branch: pull.head.r#ref.clone(),
        of_users: vec![pull.user.login.clone()],
        of_text: pull.body.clone(),
        ..event
    };
    event.of_subject(pull)
}

/// Takes the verdict from the body, which is signed. The header is not.
fn review_event(event: Event, review: &Review, verdict: &str, pull: Subject) -> Event {
    let verdict = match review.r#type.as_str() {
        signed if signed.ends_with("_approved") => "approved",
        signed if signed.ends_with("_rejected") => "rejected",
        signed if signed.ends_with("_comment") => "reviewed",
        _ => verdict,
    };
    event.of_review(verdict, review.content.clone(), pull)
}

fn first_line(commit: Option<&Commit>) -> String {
    commit.and_then(|commit| commit.message.lines().next()).unwrap_or_default().to_owned()
}
