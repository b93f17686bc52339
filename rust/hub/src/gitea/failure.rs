//! Failures of a call, as the refusal that its requester gets.

use orochi_protocol::{ErrorCode, Refusal};

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code and the sentence.
    pub refusal: Refusal,
    /// Gitea's HTTP status, where Gitea itself refused.
    pub status: Option<u16>,
    /// Gitea may have done it all the same: only the answer is missing.
    pub may_be_done: bool,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, status: None, may_be_done: false }
    }
}

/// Gitea refused, with this status and these words.
pub(super) fn refused(status: u16, detail: impl Into<String>) -> Failure {
    Failure { status: Some(status), ..Refusal::new(ErrorCode::GiteaApiError, detail).into() }
}

/// Gitea did not answer, or not as Gitea does.
pub(super) fn unavailable(why: &str) -> Failure {
    let detail = format!("Gitea: {why}; see that it runs and that GITEA_URL is its address");
    Refusal::new(ErrorCode::GiteaUnavailable, detail).into()
}
