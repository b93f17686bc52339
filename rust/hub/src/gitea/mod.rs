//! Everything of Gitea (section 8, docs/gitea.md): calls for agents and programs, and what happens there as messages.
//!
//! - [`action`]: what can be asked for, parsed once, with its `subject`.
//!   [`requester`]: for whom. [`failure`]: what can go wrong.
//! - `admission`: the bounds on calls under way, in all and of one asker.
//! - `find`: what a request made whose answer was lost. `looks`: what the hub itself asks, to tell what happened.
//! - `explain`: what a refusal means. `dropped`: what Gitea left out without a word. `params`: an action's params.
//! - `issues`, `labels`, `pulls`, `repos`: each action as requests to Gitea's API.
//! - [`once`]: an action that makes something is made once by its id.
//! - [`bridge`]: what happens at Gitea, as messages. [`webhook`]: Gitea's deliveries as lines.
//! - `http`: one request: address, token, size, time, and what Gitea's answer means. `pages`: lists.
//!
//! Gitea is slow or away at times, so nothing here runs on the core thread, a call has a deadline, and only so
//! many are under way. `GITEA_URL` is the only host that is ever contacted: redirects are not followed.

pub mod action;
mod admission;
pub mod bridge;
mod dropped;
mod explain;
pub mod failure;
mod find;
mod http;
mod issues;
mod labels;
mod looks;
pub mod once;
mod pages;
mod params;
mod pulls;
mod repos;
pub mod requester;
mod subject;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use orochi_protocol::limits::FRAME_BYTES_MAX;
use orochi_protocol::{AgentName, ErrorCode, Refusal, Timestamp};
use serde_json::value::RawValue;
use tokio::time::timeout;

pub use action::Action;
pub use admission::Admission;
pub use failure::Failure;
pub use requester::Mark;

use crate::config::Config;
use admission::UnderWay;
use http::{Call, Http};
use subject::State;

/// The bounds of calls to Gitea.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a call may take in all, however many requests it needs.
    pub call: Duration,
    /// Calls under way at a time; one more is refused, because a queue before a host that hangs only grows.
    pub in_flight: usize,
    /// Calls under way at a time for one asker: half of all, so that others find room beside a busy agent.
    pub in_flight_of_one: usize,
    /// How long the look for what a lost answer told of may take.
    pub find: Duration,
    /// Bytes of answers that one call reads: far above what Gitea's largest pages have.
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

/// Where calls are made. Cloning it is cheap; all clones share the bounds on calls under way.
#[derive(Debug, Clone)]
pub struct Gitea(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Or why no call can be made.
    http: Result<Http, Refusal>,
    under_way: UnderWay,
    limits: Limits,
}

impl Gitea {
    /// Nothing is contacted yet: Gitea may come up after the hub. Without a token each call says what to set.
    pub fn new(config: &Config, limits: Limits) -> Self {
        let under_way = UnderWay::new(limits.in_flight, limits.in_flight_of_one);
        Self(Arc::new(Inner { http: Http::new(config), under_way, limits }))
    }

    /// Its address as people open it; None where no call can be made.
    pub fn address(&self) -> Option<&str> {
        self.0.http.as_ref().ok().map(Http::address)
    }

    /// Reserves one of the calls that may be under way, for an agent or for a program that gave no name. Costs
    /// nothing, so it comes before anything is written down.
    ///
    /// # Errors
    /// `GITEA_NOT_CONFIGURED`, `GITEA_BUSY`.
    pub fn admit(&self, asker: Option<&AgentName>) -> Result<Admission, Refusal> {
        self.0.http.as_ref().map_err(Clone::clone)?;
        self.0.under_way.admit(asker)
    }

    /// Makes the call for the admitted asker; the result is Gitea's JSON. Where the caller stops waiting, a request
    /// already sent still counts at Gitea.
    ///
    /// # Errors
    /// `GITEA_NOT_CONFIGURED`, `GITEA_UNAVAILABLE`, `GITEA_API_ERROR`, and `INVALID_FIELD` for labels that are not
    /// there.
    pub async fn call(
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
    /// Looks for what a request with this mark made at Gitea since it was begun; None where there is nothing.
    ///
    /// # Errors
    /// Where Gitea can't be asked.
    pub async fn find(
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

/// A list is cut to what a frame holds; one object that is larger can't be.
fn fitting(result: Box<RawValue>) -> Result<Box<RawValue>, Failure> {
    if result.get().len() <= FRAME_BYTES_MAX {
        return Ok(result);
    }
    let detail = "it is done at Gitea, but what Gitea answered is larger than a frame (1 MiB)";
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
