//! Gitea's issues and repositories, as 0.1.0 has them over HTTP.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::value::RawValue;

use super::errors::{ApiError, GiteaError};
use super::params::Params;
use super::{App, body};
use crate::gitea::Action;

type Place = Result<Path<(String, String)>, PathRejection>;

/// GET /api/gitea/issues/{owner}/{repo}: the open ones, or as `?state=` says.
pub async fn list_issues(
    State(app): State<App>,
    place: Place,
    params: Params,
) -> Result<Json<Box<RawValue>>, GiteaError> {
    let Path((owner, repo)) = place.map_err(ApiError::from)?;
    let action = Action::list_issues(owner, repo, params.text("state")?.unwrap_or_default())?;
    call(&app, &action).await
}

/// POST /api/gitea/issues/{owner}/{repo}: 201 and the new issue.
pub async fn create_issue(
    State(app): State<App>,
    place: Place,
    body: Body,
) -> Result<(StatusCode, Json<Box<RawValue>>), GiteaError> {
    let Path((owner, repo)) = place.map_err(ApiError::from)?;
    let body = body::read(body).await?;
    let action = Action::create_issue(owner, repo, &body::fields(&body)?)?;
    Ok((StatusCode::CREATED, call(&app, &action).await?))
}

/// GET /api/gitea/repos: all that the token sees, or those of `?org=`.
pub async fn list_repos(State(app): State<App>, params: Params) -> Result<Json<Box<RawValue>>, GiteaError> {
    call(&app, &Action::list_repos(params.text("org")?.unwrap_or_default())?).await
}

async fn call(app: &App, action: &Action) -> Result<Json<Box<RawValue>>, GiteaError> {
    app.gitea.call(action).await.map(Json).map_err(GiteaError)
}
