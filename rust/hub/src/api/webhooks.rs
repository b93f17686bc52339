//! POST /api/webhooks/gitea: what Gitea tells, as messages. It is signed, and asks for no token.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use orochi_protocol::names::shown;
use orochi_protocol::request::{Draft, check_id};
use orochi_protocol::{AgentName, ErrorCode, Target};
use serde_json::{Value, json};

use super::errors::ApiError;
use super::{App, body};
use crate::config::channel_for;
use crate::webhook::event::Event;
use crate::webhook::line::Line;
use crate::webhook::signature::Claimed;

/// Under which name events are told.
const SENDER: &str = "gitea";
/// A push lists the files of its commits: more than a message may have.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// 202 where it is in the log, or nothing that is told; 200 where it was there already.
pub async fn gitea(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Some(signature) = &app.webhooks.signature else {
        let detail = "this hub takes no webhooks: set OROCHI_GITEA_WEBHOOK_SECRET where it runs, to what Gitea has";
        return Err(ApiError::new(ErrorCode::NotFound, detail));
    };
    let body = body::read_at_most(body, BYTES_MAX).await?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let claimed = Claimed::parse(text("x-gitea-signature"));
    if !claimed.is_some_and(|claimed| signature.is_right(&body, &claimed)) {
        let detail = "the delivery is not signed with OROCHI_GITEA_WEBHOOK_SECRET: give the hook in Gitea that secret";
        return Err(ApiError::new(ErrorCode::AuthFailed, detail));
    }
    if !text(header::CONTENT_TYPE.as_str()).starts_with("application/json") {
        let detail = "the delivery is not application/json: choose that as the hook's content type in Gitea";
        return Err(ApiError::new(ErrorCode::InvalidField, detail));
    }
    let delivery = text("x-gitea-delivery");
    if delivery.is_empty() {
        // Without its own id every such delivery would be taken for the first one, come again.
        let detail = "the delivery has no X-Gitea-Delivery: whatever stands between Gitea and this hub must pass it on";
        return Err(ApiError::new(ErrorCode::InvalidField, detail));
    }
    let id = format!("gitea-{delivery}");
    check_id(&id)?;
    let event = Event::parse(text("x-gitea-event"), &body)
        .map_err(|error| ApiError::new(ErrorCode::ParseError, format!("the delivery is not Gitea's JSON: {error}")))?;
    let Some(event) = event else {
        let told = format!("{} is not told in a channel", shown(text("x-gitea-event")));
        return Ok((StatusCode::ACCEPTED, Json(json!({"status": "ignored", "detail": told}))));
    };
    post(&app, id, &event).await
}

async fn post(app: &App, id: String, event: &Event) -> Result<(StatusCode, Json<Value>), ApiError> {
    let line = Line::new(event);
    let mut draft = Draft::new(Target::Channel(channel_for(&app.webhooks.channels, &event.repo)), line.content)?;
    draft.mentions = line.mentions;
    draft.metadata = Some(serde_json::value::to_raw_value(&line.metadata).expect("a JSON value is JSON"));
    let sender = AgentName::parse(SENDER).expect("it is an agent's name");
    match app.core.post(sender, id, draft).await {
        Ok(accepted) if !accepted.duplicate => {
            Ok((StatusCode::ACCEPTED, Json(json!({"status": "accepted", "seq": accepted.seq}))))
        }
        // The delivery was taken before; another channel by now does not make it another one.
        Ok(_) => Ok((StatusCode::OK, Json(json!({"status": "known"})))),
        Err(refusal) if refusal.code == ErrorCode::IdReused => Ok((StatusCode::OK, Json(json!({"status": "known"})))),
        Err(refusal) => Err(refusal.into()),
    }
}
