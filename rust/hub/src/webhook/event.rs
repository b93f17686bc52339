//! A webhook's JSON, as far as a line about it needs it. Everything may be absent: Gitea's versions differ.

use serde::Deserialize;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Gitea's name for its kind: `issues`, `issue_comment`, `pull_request`, `push`, `release`.
    pub kind: String,
    /// `opened`, `created`, and so on; of a push `pushed`, `created` or `deleted`.
    pub action: String,
    /// `owner/name`.
    pub repo: String,
    /// Who did it.
    pub sender: String,
    /// Of an issue or a pull request.
    pub number: Option<u64>,
    /// Of what it is about: a title, a release's name, the last commit's first line.
    pub title: String,
    /// Where it is to be seen.
    pub url: String,
    /// `open` or `closed`, where it has a state.
    pub state: String,
    /// What somebody wrote, in Markdown; only where it is new.
    pub body: String,
    /// Of a comment, whether it is one on a pull request.
    pub is_pull: bool,
    /// Of a push: the branch or tag, and how many commits.
    pub branch: String,
    /// Commits that were pushed.
    pub commits: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Payload {
    action: String,
    number: Option<u64>,
    repository: Repository,
    sender: User,
    issue: Option<Subject>,
    pull_request: Option<Subject>,
    comment: Option<Comment>,
    review: Option<Review>,
    is_pull: bool,
    release: Option<Release>,
    r#ref: String,
    before: String,
    after: String,
    compare_url: String,
    total_commits: u64,
    commits: Option<Vec<Commit>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Repository {
    full_name: String,
    html_url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User {
    login: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Subject {
    number: Option<u64>,
    title: String,
    body: Option<String>,
    html_url: String,
    state: String,
    merged: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Comment {
    html_url: String,
    body: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Review {
    content: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Release {
    tag_name: String,
    name: String,
    html_url: String,
    body: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Commit {
    message: String,
}

impl Event {
    /// Reads a delivery of this kind (`X-Gitea-Event`); None for a kind, or a change, that nobody is told of.
    ///
    /// # Errors
    /// What serde says of JSON that is not Gitea's.
    pub fn parse(kind: &str, body: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(serde::de::Error::custom("expected an object"));
        }
        let payload: Payload = serde_json::from_slice(body)?;
        Ok(payload.into_event(kind))
    }
}

impl Payload {
    fn into_event(mut self, kind: &str) -> Option<Event> {
        let event = Event {
            kind: kind.to_owned(),
            action: std::mem::take(&mut self.action),
            repo: std::mem::take(&mut self.repository.full_name),
            sender: std::mem::take(&mut self.sender.login),
            number: self.number,
            is_pull: self.is_pull,
            ..Event::default()
        };
        match kind {
            "issues" => Some(subject(event, self.issue?)),
            "pull_request" => Some(subject(event, self.pull_request?)),
            "issue_comment" | "pull_request_comment" if self.comment.is_some() => self.comment_event(event),
            "pull_request_approved" | "pull_request_rejected" | "pull_request_comment" => {
                let verdict = if kind.ends_with("approved") {
                    "approved"
                } else if kind.ends_with("rejected") {
                    "rejected"
                } else {
                    "reviewed"
                };
                let said = self.review.and_then(|review| review.content).unwrap_or_default();
                let event = Event { kind: "pull_request".to_owned(), action: verdict.to_owned(), ..event };
                Some(Event { body: said, ..subject(event, self.pull_request?) })
            }
            "push" => self.push_event(event),
            "release" => {
                let release = self.release?;
                let title = if release.name.is_empty() { release.tag_name } else { release.name };
                let body = if event.action == "published" { release.body.unwrap_or_default() } else { String::new() };
                Some(Event { title, url: release.html_url, body, ..event })
            }
            _ => None,
        }
    }

    fn comment_event(self, event: Event) -> Option<Event> {
        let (comment, issue) = (self.comment?, self.issue.or(self.pull_request)?);
        let body = if event.action == "created" { comment.body.unwrap_or_default() } else { String::new() };
        let kind = "issue_comment".to_owned();
        let event = Event { kind, number: issue.number, title: issue.title, state: issue.state, ..event };
        Some(Event { url: comment.html_url, body, ..event })
    }

    fn push_event(self, event: Event) -> Option<Event> {
        let is_nothing = |id: &str| !id.is_empty() && id.bytes().all(|digit| digit == b'0');
        let action = match (is_nothing(&self.before), is_nothing(&self.after)) {
            (_, true) => "deleted",
            (true, false) => "created",
            (false, false) => "pushed",
        };
        let branch = self.r#ref.strip_prefix("refs/heads/").or(self.r#ref.strip_prefix("refs/tags/"));
        let commits = self.commits.unwrap_or_default();
        let last = commits.into_iter().next().map(|commit| commit.message).unwrap_or_default();
        Some(Event {
            action: action.to_owned(),
            branch: branch.unwrap_or(&self.r#ref).to_owned(),
            commits: self.total_commits,
            title: last.lines().next().unwrap_or_default().to_owned(),
            url: if self.compare_url.is_empty() { self.repository.html_url } else { self.compare_url },
            ..event
        })
    }
}

fn subject(event: Event, subject: Subject) -> Event {
    // Gitea calls a merge closed.
    let action = if subject.merged && event.action == "closed" { "merged".to_owned() } else { event.action };
    let body = if action == "opened" { subject.body.unwrap_or_default() } else { String::new() };
    let number = event.number.or(subject.number);
    Event { action, number, title: subject.title, url: subject.html_url, state: subject.state, body, ..event }
}
