//! POST /api/webhooks/gitea: deliveries from Gitea and Forgejo. Their signature is checked in place of a token.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use orochi_protocol::ErrorCode;
use orochi_protocol::names::shown;
use orochi_protocol::request::check_id;
use serde_json::{Value, json};

use super::App;
use super::errors::ApiError;
use super::request::body;
use crate::gitea::webhook::event::Event;
use crate::gitea::webhook::signature::{Claimed, Signature, name_of};

/// The headers of Gitea and Forgejo, and the names that both copy from older servers.
const EVENT: [&str; 3] = ["x-gitea-event", "x-forgejo-event", "x-gogs-event"];
const DELIVERY: [&str; 3] = ["x-gitea-delivery", "x-forgejo-delivery", "x-gogs-delivery"];
const SIGNATURE: [&str; 4] = ["x-gitea-signature", "x-forgejo-signature", "x-gogs-signature", "x-hub-signature-256"];

type Outcome = Result<(StatusCode, Json<Value>), ApiError>;

/// Answers 202 if the event is now in the log or is not posted, and 200 if it already was in the log.
pub(super) async fn gitea(State(app): State<App>, headers: HeaderMap, body: Body) -> Outcome {
    let Some(signature) = &app.webhooks.signature else {
        let detail = "this hub accepts no webhooks: set OROCHI_GITEA_WEBHOOK_SECRET for the hub to the secret in Gitea";
        return Err(ApiError::new(ErrorCode::NotFound, detail));
    };
    let claimed = Claimed::parse(first(&headers, &SIGNATURE));
    // Gitea does not repeat a delivery, so the bridge queries Gitea if this one breaks off. A delivery without a
    // signature is not from Gitea.
    let unread = claimed.is_some().then(|| app.bridge.unread());
    let body = body::read_at_most(body, app.webhooks.bytes_max).await.map_err(too_large)?;
    let answer = take(&app, signature, claimed.as_ref(), &headers, &body).await;
    if let Some(unread) = unread {
        unread.done();
    }
    answer
}

/// Handles a complete delivery.
async fn take(
    app: &App,
    signature: &Signature,
    claimed: Option<&Claimed>,
    headers: &HeaderMap,
    body: &[u8],
) -> Outcome {
    if !claimed.is_some_and(|claimed| signature.is_right(body, claimed)) {
        let detail =
            "the delivery is not signed with OROCHI_GITEA_WEBHOOK_SECRET: set that secret for the hook in Gitea";
        return Err(ApiError::new(ErrorCode::AuthFailed, detail));
    }
    let content_type = first(headers, &[header::CONTENT_TYPE.as_str()]).to_ascii_lowercase();
    if !content_type.starts_with("application/json") {
        let detail = "the delivery is not application/json: choose this content type for the hook in Gitea";
        return Err(ApiError::new(ErrorCode::InvalidField, detail));
    }
    let delivery = first(headers, &DELIVERY);
    if delivery.is_empty() {
        // Without an id, all such deliveries would count as repetitions of the first.
        let detail = "the delivery has no X-Gitea-Delivery: a proxy between Gitea and this hub must forward it";
        return Err(ApiError::new(ErrorCode::InvalidField, detail));
    }
    let id = format!("gitea-{delivery}");
    check_id(&id)?;
    let kind = first(headers, &EVENT);
    let event = Event::parse(kind, body).map_err(|error| ApiError::new(ErrorCode::ParseError, error.to_string()))?;
    match event {
        Some(event) => tell(app, id, event, name_of(body)).await,
        None => Ok(ignored(kind)),
    }
}

async fn tell(app: &App, id: String, event: Event, body_key: String) -> Outcome {
    let kind = event.kind.clone();
    let known = || (StatusCode::OK, Json(json!({"status": "known"})));
    match app.bridge.tell(id, event, body_key).await {
        Ok(None) => Ok(ignored(&kind)),
        Ok(Some(accepted)) if !accepted.duplicate => {
            Ok((StatusCode::ACCEPTED, Json(json!({"status": "accepted", "seq": accepted.seq}))))
        }
        Ok(Some(_)) => Ok(known()),
        // A repeated delivery is still recognised if its channel was changed meanwhile.
        Err(refusal) if refusal.code == ErrorCode::IdReused => Ok(known()),
        Err(refusal) => Err(refusal.into()),
    }
}

fn ignored(kind: &str) -> (StatusCode, Json<Value>) {
    let detail = format!("this {} is not posted in a channel", shown(kind));
    (StatusCode::ACCEPTED, Json(json!({"status": "ignored", "detail": detail})))
}

fn too_large(error: ApiError) -> ApiError {
    if error.0.code != ErrorCode::TooLarge {
        return error;
    }
    let way_out = "set OROCHI_GITEA_WEBHOOK_BYTES for the hub to accept larger deliveries";
    ApiError::new(ErrorCode::TooLarge, format!("{}; {way_out}", error.0.detail))
}

/// The first of these headers that is present.
fn first<'a>(headers: &'a HeaderMap, names: &[&str]) -> &'a str {
    let values = names.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
    values.into_iter().find(|value| !value.is_empty()).unwrap_or_default()
}
