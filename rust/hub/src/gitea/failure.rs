//! What can go wrong in a call, as the refusal that its asker gets.

use orochi_protocol::{ErrorCode, Refusal};

/// A call that was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code and the sentence.
    pub refusal: Refusal,
    /// Gitea's HTTP status, where Gitea itself refused.
    pub status: Option<u16>,
    /// It may have been done all the same: the answer is what is missing.
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
