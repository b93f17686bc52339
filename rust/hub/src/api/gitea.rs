//! Gitea's issues and repositories over HTTP, as in 0.1.0.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use orochi_protocol::fields::Fields;
use orochi_protocol::request::check_id;
use orochi_protocol::{AgentName, Refusal};
use serde_json::value::RawValue;

use super::App;
use super::errors::GiteaError;
use super::request::body::JsonBody;
use super::request::path::Texts;
use super::request::query::Params;
use crate::gitea::Action;
use crate::gitea::once::{Asked, RequestDigest};

/// GET /api/gitea/issues/{owner}/{repo}: the open issues, or those that `?state=` selects.
pub(super) async fn list_issues(
    State(app): State<App>,
    Texts((owner, repo)): Texts<(String, String)>,
    params: Params,
) -> Result<Json<Box<RawValue>>, GiteaError> {
    let action = Action::list_issues(owner, repo, params.text("state")?.unwrap_or_default())?;
    call(&app, action).await
}

/// GET /api/gitea/issues/{owner}/{repo}/{number}: one issue or pull request.
pub(super) async fn get_issue(
    State(app): State<App>,
    Texts((owner, repo, number)): Texts<(String, String, String)>,
) -> Result<Json<Box<RawValue>>, GiteaError> {
    call(&app, Action::get_issue(owner, repo, &number)?).await
}

/// POST /api/gitea/issues/{owner}/{repo}: answers 201 with the new issue. With an `id` the request is idempotent. The
/// issue's text names the `sender`.
pub(super) async fn create_issue(
    State(app): State<App>,
    Texts((owner, repo)): Texts<(String, String)>,
    body: JsonBody,
) -> Result<(StatusCode, Json<Box<RawValue>>), GiteaError> {
    let fields = body.fields()?;
    let what = format!("create_issue {owner}/{repo}");
    let asked = asked(&what, &body, &fields, Action::create_issue(owner, repo, &fields)?)?;
    Ok((StatusCode::CREATED, app.calls.call(asked).await.map(Json).map_err(GiteaError)?))
}

/// POST /api/gitea/actions/{action}: any action. The body has its params, and `id` and `sender` as above.
pub(super) async fn act(
    State(app): State<App>,
    Texts(name): Texts<String>,
    body: JsonBody,
) -> Result<Json<Box<RawValue>>, GiteaError> {
    let fields = body.fields()?;
    let asked = asked(&name, &body, &fields, Action::from_fields(&name, &fields)?)?;
    app.calls.call(asked).await.map(Json).map_err(GiteaError)
}

fn asked(what: &str, body: &JsonBody, fields: &Fields<'_>, action: Action) -> Result<Asked, Refusal> {
    let asker = fields.text("sender")?.map(|text| AgentName::parse(&text)).transpose()?;
    let id = fields.text("id")?.map(|id| check_id(&id).map(|()| id)).transpose()?;
    Ok(Asked { asker, id, request: RequestDigest::new(what, body.bytes()), action })
}

/// GET /api/gitea/repos: all that the token can see, or those of `?org=`.
pub(super) async fn list_repos(State(app): State<App>, params: Params) -> Result<Json<Box<RawValue>>, GiteaError> {
    call(&app, Action::list_repos(params.text("org")?.unwrap_or_default())?).await
}

/// Makes a call that only reads.
async fn call(app: &App, action: Action) -> Result<Json<Box<RawValue>>, GiteaError> {
    let asked = Asked { asker: None, id: None, request: RequestDigest::new("", b""), action };
    app.calls.call(asked).await.map(Json).map_err(GiteaError)
}
