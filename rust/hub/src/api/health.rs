//! Whether the process lives and whether its log takes writes; both without a token, for whoever restarts it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use orochi_protocol::{ErrorCode, Refusal};
use serde::Serialize;
use tokio::sync::Mutex;

use super::App;
use super::errors::ApiError;
use crate::core::Core;

/// `{"status":"ok"}`.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// GET /healthz
pub async fn alive() -> Json<Health> {
    OK
}

/// GET /readyz
pub async fn ready(State(app): State<App>) -> Result<Json<Health>, ApiError> {
    app.readiness.check(&app.core).await?;
    Ok(OK)
}

/// How old the answer to [`ready`] may be. Asking writes to the disk, and anybody may ask.
const FRESH_MAX: Duration = Duration::from_millis(500);

/// What the last probe of the log said.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    // Held while a probe runs, so that a thousand askers wait for one probe: tokio's mutex, made for that.
    last: Arc<Mutex<Option<Probed>>>,
}

#[derive(Debug)]
struct Probed {
    at: Instant,
    answer: Result<(), Refusal>,
}

impl Readiness {
    async fn check(&self, core: &Core) -> Result<(), Refusal> {
        let mut last = self.last.lock().await;
        if let Some(probed) = &*last
            && probed.at.elapsed() < FRESH_MAX
        {
            return probed.answer.clone();
        }
        let answer = core.probe().await.map_err(without_cause);
        *last = Some(Probed { at: Instant::now(), answer: answer.clone() });
        answer
    }
}

/// The cause can name a file on the server: that is for the hub's own log.
fn without_cause(refusal: Refusal) -> Refusal {
    if refusal.code != ErrorCode::StoreUnavailable {
        return refusal;
    }
    tracing::warn!(cause = %refusal.detail, "not ready: the log takes no writes");
    Refusal::new(refusal.code, "the log takes no writes now; the hub's own log has the cause")
}
