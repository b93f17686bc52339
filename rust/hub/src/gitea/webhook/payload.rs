//! The JSON of webhooks, with Gitea's and Forgejo's names. Versions differ, so every key may be absent or null.

use serde::{Deserialize, Deserializer};

/// Reads null as absent.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Declares a struct whose fields may each be absent or null.
macro_rules! lenient {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize, Default)]
        pub(crate) struct $name { $(#[serde(default, deserialize_with = "or_default")] pub $field: $kind),* }
    };
}

lenient!(
    /// A delivery's body, whatever its kind.
    Payload {
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
        r#ref: Option<String>,
        ref_type: String,
        before: Option<String>,
        after: String,
        compare_url: String,
        total_commits: u64,
        commits: Vec<Commit>,
        head_commit: Option<Commit>,
        commit: Option<Commit>,
        id: u64,
        sha: String,
        state: String,
        context: Option<String>,
        description: String,
        target_url: String,
        workflow: Workflow,
        workflow_run: Option<WorkflowRun>,
    }
);
lenient!(Repository { id: u64, full_name: String, html_url: String, updated_at: String });
lenient!(
    /// A user. The number survives renames.
    User { id: u64, login: String }
);
lenient!(
    /// An issue or a pull request.
    Subject {
        number: Option<u64>,
        title: String,
        body: String,
        html_url: String,
        state: String,
        merged: bool,
        user: User,
        head: Head,
        created_at: String,
        updated_at: String,
        closed_at: String,
        pull_request: Option<PullMark>,
    }
);
lenient!(
    /// A pull request's branch.
    Head { sha: String, r#ref: String }
);
lenient!(
    /// Marks an issue that is a pull request.
    PullMark { merged: bool }
);
lenient!(Comment {
    id: u64,
    html_url: String,
    body: String,
    user: User,
    issue_url: String,
    pull_request_url: String,
    created_at: String,
    updated_at: String,
});
lenient!(
    /// A review. A delivery does not have its comments on lines.
    Review { r#type: String, content: String }
);
lenient!(
    /// A review from Gitea's list.
    ListedReview { id: u64, user: User, state: String, body: String, submitted_at: String }
);
lenient!(
    /// A line comment from a review's list. `position` is the line in the new file.
    LineComment {
        id: u64,
        user: User,
        body: String,
        path: String,
        position: u64,
        original_position: u64,
        html_url: String,
        created_at: String,
    }
);
lenient!(
    /// A branch from Gitea's list.
    ListedBranch { name: String, commit: Commit }
);
lenient!(Release {
    id: u64,
    tag_name: String,
    name: String,
    html_url: String,
    body: String,
    draft: bool,
    published_at: String,
    author: User,
});
lenient!(Commit { id: String, message: String, author: Author });
lenient!(
    /// A commit's author. Gitea leaves out the login if it knows none.
    Author { username: String }
);
lenient!(Workflow { name: String });
lenient!(
    /// One run of a workflow.
    WorkflowRun {
        id: u64,
        run_attempt: u64,
        name: String,
        display_title: String,
        head_branch: String,
        head_sha: String,
        conclusion: String,
        html_url: String,
        actor: User,
        trigger_actor: User,
    }
);
