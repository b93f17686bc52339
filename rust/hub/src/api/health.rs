//! Health checks for supervisors, without a token: the process is alive, and its log accepts writes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use orochi_protocol::{ErrorCode, Refusal, Seq};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::errors::ApiError;
use super::request::query::Params;
use crate::core::Core;
use crate::store::StoreError;

/// The answer of both health checks, such as `{"status":"ok"}`.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    /// Present only while the index is rebuilt; messages are accepted meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<SearchProgress>,
}

/// The progress of the search index.
#[derive(Debug, Serialize)]
struct SearchProgress {
    indexed_up_to: Seq,
    head: Seq,
}

const OK: Health = Health { status: "ok", search: None };

/// GET /healthz
pub(super) async fn alive() -> Json<Health> {
    Json(OK)
}

/// GET /readyz
pub(super) async fn ready(
    State((readiness, core)): State<(Readiness, Core)>,
    params: Params,
) -> Result<Json<Health>, ApiError> {
    let max_age = params.whole("max_age", 0..=MAX_AGE_MAX)?.map(u64::from).map(Duration::from_secs);
    readiness.check(&core, max_age.unwrap_or_default().max(FRESH_MAX)).await?;
    let reach = core.search_reach();
    let progress = SearchProgress { indexed_up_to: reach.indexed_up_to, head: reach.head };
    Ok(Json(Health { search: (!reach.is_complete()).then_some(progress), ..OK }))
}

/// The largest age of a [`ready`] answer. Each probe writes to the disk, and anybody may request one.
const FRESH_MAX: Duration = Duration::from_millis(500);

/// The largest `?max_age=` in seconds. A container's health check runs every second and doesn't need a write each time.
const MAX_AGE_MAX: u32 = 3600;

/// The deadline of a probe. A log that can't be written in this time is not ready, whatever the cause.
const PROBE_MAX: Duration = Duration::from_millis(1500);

/// The result of the last probe of the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Readiness {
    // Held during a probe, so that a thousand requests wait for one probe. A tokio mutex may be held across an await.
    last: Arc<Mutex<Option<Probed>>>,
}

#[derive(Debug)]
struct Probed {
    at: Instant,
    answer: Result<(), Refusal>,
}

impl Readiness {
    /// Probes the log, unless a recent result exists. A success is valid for `max_age`; a failure is repeated sooner.
    async fn check(&self, core: &Core, max_age: Duration) -> Result<(), Refusal> {
        let mut last = self.last.lock().await;
        if let Some(probed) = &*last
            && probed.at.elapsed() < if probed.answer.is_ok() { max_age } else { FRESH_MAX }
        {
            return match &probed.answer {
                // This check writes nothing.
                Ok(()) => core.reads().files().check().map_err(|error| moved(&error)),
                refused => refused.clone(),
            };
        }
        let probe = async {
            // Check the file first: this needs no turn of the core, which may be busy with a slow disk.
            core.reads().files().check().map_err(|error| moved(&error))?;
            core.probe().await.map_err(without_cause)
        };
        let answer = timeout(PROBE_MAX, probe).await.unwrap_or_else(|_| Err(too_slow()));
        *last = Some(Probed { at: Instant::now(), answer: answer.clone() });
        answer
    }
}

fn moved(error: &StoreError) -> Refusal {
    tracing::warn!(cause = %error, "not ready: the log's file was removed, moved or replaced");
    let detail = "the log's file was removed, moved or replaced while the hub runs; the hub's own log names it";
    Refusal::new(ErrorCode::StoreUnavailable, detail)
}

fn too_slow() -> Refusal {
    tracing::warn!("not ready: the log accepted no write within {PROBE_MAX:?}");
    let detail =
        format!("the log accepted no write within {PROBE_MAX:?}: its disk is slow, or another program holds its lock");
    Refusal::new(ErrorCode::StoreUnavailable, detail)
}

/// Moves the cause to the hub's own log, because it may name a file on the server.
fn without_cause(refusal: Refusal) -> Refusal {
    if refusal.code != ErrorCode::StoreUnavailable {
        return refusal;
    }
    tracing::warn!(cause = %refusal.detail, "not ready: the log accepts no writes");
    Refusal::new(refusal.code, "the log accepts no writes now; the hub's own log has the cause")
}
