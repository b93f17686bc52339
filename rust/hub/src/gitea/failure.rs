//! Failures of a call, as refusals for the requester.

use orochi_protocol::{ErrorCode, Refusal};

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub refusal: Refusal,
    /// Gitea's HTTP status, if Gitea itself refused.
    pub status: Option<u16>,
    /// Gitea may have done the action; only the answer is missing.
    pub may_be_done: bool,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, status: None, may_be_done: false }
    }
}

/// Gitea refused with this status and message.
pub(super) fn refused(status: u16, detail: impl Into<String>) -> Failure {
    Failure { status: Some(status), ..Refusal::new(ErrorCode::GiteaApiError, detail).into() }
}

/// Gitea did not answer, or something other than Gitea did.
pub(super) fn unavailable(why: &str) -> Failure {
    let detail = format!("Gitea: {why}; check that it runs and that GITEA_URL is its address");
    Refusal::new(ErrorCode::GiteaUnavailable, detail).into()
}
