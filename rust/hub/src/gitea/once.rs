//! Calls to Gitea for agents and programs. Create actions are idempotent by request id: a request repeated after a lost
//! connection or a restart of the hub gets the first one's answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use orochi_protocol::{AgentName, ErrorCode, Refusal, Timestamp};
use ring::digest::{Context, SHA256};
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::core::{CallKey, Core, shutting_down, system_clock};
use crate::gitea::{Action, Admission, Failure, Gitea, Mark};
use crate::store::CallState;

/// After this time, an interrupted request can no longer change anything: it is longer than a call's deadline.
const SETTLED_AFTER: Duration = Duration::from_secs(12);
/// The wait between two searches for a created object.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// The result of a call: Gitea's JSON, or a failure.
pub(crate) type CallResult = Result<Box<RawValue>, Failure>;

/// Makes calls. Clones are cheap and share the running calls.
#[derive(Debug, Clone)]
pub(crate) struct Calls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    core: Core,
    gitea: Gitea,
    /// A std mutex: it is held to look something up, never over an await.
    under_way: Mutex<HashMap<CallKey, UnderWay>>,
}

/// A running call. A repeated request waits for its answer.
#[derive(Debug)]
struct UnderWay {
    request: RequestDigest,
    answer: watch::Receiver<Option<CallResult>>,
}

/// A requested call.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The requester; None for a program that gave no name.
    pub asker: Option<AgentName>,
    /// The requester's id for this call; None if it gave none.
    pub id: Option<String>,
    /// A second request with the same id and another digest is refused.
    pub request: RequestDigest,
    pub action: Action,
}

/// A digest of a request's text. It is compared with the next request under the same id; the text can be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestDigest(String);

impl RequestDigest {
    /// Digests the action, or another name of the request, and its params as they were written.
    pub(crate) fn new(action: &str, params: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in [action.as_bytes(), b" ", params] {
            context.update(part);
        }
        Self(HEXLOWER.encode(context.finish().as_ref()))
    }

    /// The digest as 64 hex digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Calls {
    /// Starts with no running calls.
    pub(crate) fn new(core: Core, gitea: Gitea) -> Self {
        Self(Arc::new(Inner { core, gitea, under_way: Mutex::default() }))
    }

    /// Gitea's address; None if no call can be made.
    pub(crate) fn gitea_address(&self) -> Option<&str> {
        self.0.gitea.address()
    }

    /// Makes the call. A create action continues if the caller stops waiting, because Gitea may have begun.
    ///
    /// # Errors
    /// Fails like [`Gitea::admit`] and [`Gitea::call`], and with `ID_REUSED`. If the log can't be written, fails with
    /// an error of the store; nothing was sent to Gitea then.
    pub(crate) async fn call(&self, asked: Asked) -> CallResult {
        let (true, Some(id)) = (asked.action.makes_something(), &asked.id) else {
            let admission = self.0.gitea.admit(asked.asker.as_ref())?;
            return self.0.gitea.call(&asked.action, &admission, None).await;
        };
        let asker = asked.asker.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut answer = self.join_or_begin(CallKey { asker, id: id.clone() }, asked)?;
        let answered = answer.wait_for(Option::is_some).await;
        let answer = answered.ok().and_then(|answer| answer.clone());
        answer.unwrap_or_else(|| Err(shutting_down().into()))
    }

    fn join_or_begin(&self, key: CallKey, asked: Asked) -> Result<watch::Receiver<Option<CallResult>>, Failure> {
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = under_way.get(&key) {
            return if known.request == asked.request { Ok(known.answer.clone()) } else { Err(id_reused(&key).into()) };
        }
        // Reserve the call before writing to the log, so that a refusal costs no commit.
        let admission = self.0.gitea.admit(asked.asker.as_ref())?;
        let (tell, answer) = watch::channel(None);
        under_way.insert(key.clone(), UnderWay { request: asked.request.clone(), answer: answer.clone() });
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let answer = inner.make(&key, &asked, &admission).await;
            drop(admission);
            inner.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            tell.send_replace(Some(answer));
        });
        Ok(answer)
    }
}

impl Inner {
    async fn make(&self, key: &CallKey, asked: &Asked, admission: &Admission) -> CallResult {
        let mark = Mark::new(&key.asker, &key.id);
        match self.begin(key, asked).await? {
            CallState::New => {}
            CallState::Done(answer) => return RawValue::from_string(answer).map_err(|_| unknown().into()),
            CallState::Begun(begun) => {
                if let Some(found) = self.settle(asked, admission, &mark, begun).await? {
                    self.end(key, Some(found.get().to_owned())).await;
                    return Ok(found);
                }
                // The earlier attempt created nothing, so this one may. Its note gets the time of this attempt.
                self.core.end_call(key.clone(), None).await?;
                if self.begin(key, asked).await? != CallState::New {
                    return Err(unknown().into());
                }
            }
            CallState::Other => return Err(id_reused(key).into()),
        }
        let begun = system_clock();
        let answer = match self.gitea.call(&asked.action, admission, Some(&mark)).await {
            // The answer was lost. Gitea may have created the object, so look for it there.
            Err(failure) if failure.may_be_done => {
                match self.gitea.find(&asked.action, admission, &mark, begun).await {
                    Ok(Some(found)) => Ok(found),
                    // The note stays: Gitea may still be working on the request.
                    Ok(None) | Err(_) => return Err(failure),
                }
            }
            answer => answer,
        };
        self.end(key, answer.as_ref().ok().map(|result| result.get().to_owned())).await;
        answer
    }

    async fn begin(&self, key: &CallKey, asked: &Asked) -> Result<CallState, Refusal> {
        self.core.begin_call(key.clone(), asked.request.as_str().to_owned()).await
    }

    async fn end(&self, key: &CallKey, result: Option<String>) {
        if let Err(refusal) = self.core.end_call(key.clone(), result).await {
            tracing::warn!(%refusal, "could not store the result of a call to Gitea");
        }
    }

    /// Finds out what an interrupted attempt created; None if it certainly created nothing. Gitea may still be working
    /// on a request whose connection is gone, so nothing is certain before [`SETTLED_AFTER`].
    async fn settle(
        &self,
        asked: &Asked,
        admission: &Admission,
        mark: &Mark,
        begun: Timestamp,
    ) -> Result<Option<Box<RawValue>>, Failure> {
        loop {
            let age = system_clock().as_micros() - begun.as_micros();
            let is_settled = u64::try_from(age).is_ok_and(|age| Duration::from_micros(age) >= SETTLED_AFTER);
            match self.gitea.find(&asked.action, admission, mark, begun).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) if is_settled => return Ok(None),
                Ok(None) if age >= 0 => tokio::time::sleep(LOOK_AGAIN_AFTER).await,
                // The clock was set back to before the attempt, or Gitea can't be queried.
                Ok(None) | Err(_) => return Err(unknown().into()),
            }
        }
    }
}

fn unknown() -> Refusal {
    let detail = "an earlier request with this id was interrupted, and Gitea can't be asked for its result now: send \
                  it again later";
    Refusal::new(ErrorCode::GiteaUnavailable, detail)
}

fn id_reused(key: &CallKey) -> Refusal {
    let detail = format!(
        "the id {} was used for another request within a day: give each request its own",
        orochi_protocol::names::shown(&key.id)
    );
    Refusal::new(ErrorCode::IdReused, detail)
}
