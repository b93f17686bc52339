//! Everything about Gitea (section 8, docs/gitea.md): calls for agents and programs, and Gitea's events as messages.
//!
//! - [`action`]: the actions, parsed once, each with its `subject`. `params`: an action's params.
//! - [`requester`]: the agent that a call is made for. [`failure`]: failures of a call.
//! - `admission`: the bounds on running calls, of all requesters and of one.
//! - `find`: finds what a request created if its answer was lost. `looks`: the hub's own requests.
//! - `explain`: the cause of a refusal. `dropped`: parts of a request that Gitea ignored silently.
//! - `issues`, `labels`, `pulls`, `repos`: each action as requests to Gitea's API.
//! - [`once`]: create actions are idempotent by request id.
//! - [`bridge`]: posts Gitea's events as messages. [`webhook`]: turns Gitea's deliveries into lines.
//! - `http`: one request: address, token, bounds, and the meaning of Gitea's answer. `pages`: lists.
//!
//! Gitea can be slow or down. So nothing here runs on the core thread, each call has a deadline, and the number of
//! running calls is bounded. `GITEA_URL` is the only host that is ever contacted: redirects are not followed.

pub(crate) mod action;
mod admission;
pub(crate) mod bridge;
mod dropped;
mod explain;
pub(crate) mod failure;
mod find;
mod http;
mod issues;
mod labels;
mod looks;
pub(crate) mod once;
mod pages;
mod params;
mod pulls;
mod repos;
pub(crate) mod requester;
mod subject;
pub(crate) mod webhook;

use std::sync::Arc;
use std::time::Duration;

use orochi_protocol::limits::FRAME_BYTES_MAX;
use orochi_protocol::{AgentName, ErrorCode, Refusal, Timestamp};
use serde_json::value::RawValue;
use tokio::time::timeout;

pub(crate) use action::Action;
pub(crate) use admission::Admission;
pub(crate) use failure::Failure;
pub(crate) use requester::Mark;

use crate::config::Config;
use admission::UnderWay;
use http::{Call, Http};
use subject::State;

/// The bounds for calls to Gitea.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Deadline for a call with all its requests.
    pub call: Duration,
    /// Running calls. Further ones are refused: a queue in front of a host that hangs only grows.
    pub in_flight: usize,
    /// Running calls of one requester. Half of all, so that one busy agent leaves room for others.
    pub in_flight_of_one: usize,
    /// Deadline for finding the result of a request whose answer was lost.
    pub find: Duration,
    /// Bytes that one call may read: far more than Gitea's largest pages.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            find: Duration::from_secs(5),
            in_flight: 16,
            in_flight_of_one: 8,
            answer_bytes: 20_000_000,
        }
    }
}

/// Makes calls. Clones are cheap and share the bounds on running calls.
#[derive(Debug, Clone)]
pub(crate) struct Gitea(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The refusal says why no call can be made.
    http: Result<Http, Refusal>,
    under_way: UnderWay,
    limits: Limits,
}

impl Gitea {
    /// Contacts nothing yet: Gitea may start after the hub. Without a token, each call is refused with the setting to
    /// change.
    pub(crate) fn new(config: &Config, limits: Limits) -> Self {
        let under_way = UnderWay::new(limits.in_flight, limits.in_flight_of_one);
        Self(Arc::new(Inner { http: Http::new(config), under_way, limits }))
    }

    /// Gitea's address as people open it; None if no call can be made.
    pub(crate) fn address(&self) -> Option<&str> {
        self.0.http.as_ref().ok().map(Http::address)
    }

    /// Reserves one of the running calls, for an agent or for a program without a name. This costs nothing, so it comes
    /// before anything is written to the log.
    ///
    /// # Errors
    /// `GITEA_NOT_CONFIGURED`, `GITEA_BUSY`.
    pub(crate) fn admit(&self, asker: Option<&AgentName>) -> Result<Admission, Refusal> {
        self.0.http.as_ref().map_err(Clone::clone)?;
        self.0.under_way.admit(asker)
    }

    /// Makes the call for the admitted requester and returns Gitea's JSON. If the caller stops waiting, a request that
    /// was already sent still takes effect at Gitea.
    ///
    /// # Errors
    /// `GITEA_NOT_CONFIGURED`, `GITEA_UNAVAILABLE`, `GITEA_API_ERROR`, and `INVALID_FIELD` for unknown labels.
    pub(crate) async fn call(
        &self,
        action: &Action,
        admission: &Admission,
        mark: Option<&Mark>,
    ) -> Result<Box<RawValue>, Failure> {
        let http = self.0.http.as_ref().map_err(Clone::clone)?;
        let limit = self.0.limits.call;
        let mut call = Call::new(http, admission.asker(), mark, self.0.limits.answer_bytes);
        let run = async {
            match run(&mut call, action).await {
                Err(failure) => Err(explain::explain(&mut call, action, failure).await),
                done => done,
            }
        };
        match timeout(limit, run).await {
            Ok(done) => done.and_then(fitting),
            Err(_) => Err(call.doubtful(failure::unavailable(&format!("no whole answer within {limit:?}")))),
        }
    }
}

impl Gitea {
    /// Finds the object that a request with this mark created at Gitea since `begun`; None if there is none.
    ///
    /// # Errors
    /// Fails if Gitea can't be queried.
    pub(crate) async fn find(
        &self,
        action: &Action,
        admission: &Admission,
        mark: &Mark,
        begun: Timestamp,
    ) -> Result<Option<Box<RawValue>>, Failure> {
        let http = self.0.http.as_ref().map_err(Clone::clone)?;
        let mut call = Call::new(http, admission.asker(), None, self.0.limits.answer_bytes);
        let limit = self.0.limits.find;
        timeout(limit, find::find(&mut call, action, mark, begun))
            .await
            .unwrap_or_else(|_| Err(failure::unavailable(&format!("no whole answer within {limit:?}"))))
    }
}

/// Refuses an object that is larger than a frame. Lists were already cut to fit.
fn fitting(result: Box<RawValue>) -> Result<Box<RawValue>, Failure> {
    if result.get().len() <= FRAME_BYTES_MAX {
        return Ok(result);
    }
    let detail = "Gitea did it, but its answer is larger than a frame (1 MiB)";
    Err(Failure { may_be_done: true, ..Refusal::new(ErrorCode::TooLarge, detail).into() })
}

async fn run(call: &mut Call<'_>, action: &Action) -> Result<Box<RawValue>, Failure> {
    match action {
        Action::CreateIssue(issue) => issues::create(call, issue).await,
        Action::ListIssues { repo, state } => issues::list(call, repo, *state).await,
        Action::CloseIssue(issue) => issues::set_state(call, issue, State::Closed).await,
        Action::ReopenIssue(issue) => issues::set_state(call, issue, State::Open).await,
        Action::GetIssue(issue) => issues::get(call, issue).await,
        Action::EditIssue { issue, title, body } => issues::edit(call, issue, title.as_deref(), body.as_deref()).await,
        Action::Assign { issue, assignees } => issues::assign(call, issue, assignees).await,
        Action::ListComments(issue) => issues::comments(call, issue).await,
        Action::AddLabels { issue, labels } => issues::add_labels(call, issue, labels).await,
        Action::ListLabels(repo) => labels::list(call, repo).await,
        Action::ListPulls { repo, state } => pulls::list(call, repo, *state).await,
        Action::GetPull(pull) => pulls::get(call, pull).await,
        Action::ListMyRepos => repos::list_mine(call).await,
        Action::AddComment { issue, body, about } => issues::comment(call, issue, &call.sign(body, about)).await,
        Action::CreateRepo { name, org, private } => repos::create(call, name, org.as_ref(), *private).await,
        Action::CreateOrg { name, description } => repos::create_org(call, name, description).await,
        Action::ListRepos { org } => repos::list(call, org.as_ref()).await,
        Action::GetVersion => repos::version(call).await,
    }
}
