//! HTTP on both ports (sections 2 and 7): the routes and their access checks.
//!
//! - [`App`]: the state that every route can use.
//! - [`security`]: the Host and Origin rules, the token, logins, and the headers of every answer.
//! - [`request`]: paths, query strings and bodies as typed values. [`rows`]: messages as an answer's rows. [`errors`]:
//!   refusals as JSON.
//! - [`sockets`]: WebSocket upgrades; the connection module takes over from there.
//! - [`agents`], [`gitea`], [`history`], [`inbox`], [`mcp`], [`messages`], [`search`], [`health`]: the routes, one
//!   group in each file. [`webhooks`]: Gitea's deliveries.
//! - [`dashboard`]: the document, and the routes that only the dashboard uses.
//!
//! A request passes the headers, the origin check, then its port's routes. The token is checked where the routes are
//! joined, so a new route under `/api` can't omit it.

mod agents;
mod app;
pub(crate) mod dashboard;
mod errors;
mod gitea;
mod health;
mod history;
mod inbox;
mod mcp;
mod messages;
mod request;
mod rows;
mod search;
mod security;
mod sockets;
mod webhooks;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};

pub(crate) use app::App;
pub(crate) use security::login::{Login, Logins};

use dashboard::{activity, document, overview, states};
use security::{headers, origin, sign_in, token};

/// The agent port: an upgrade on any path is an agent's connection, everything else is the API.
pub(crate) fn agent_router(app: App) -> Router {
    let routes = shared_routes(&app)
        .fallback(errors::no_route_for_agents)
        .layer(from_fn_with_state(app.clone(), sockets::agents_on_any_path));
    secured(routes, app)
}

/// The dashboard port: the dashboard, observers on `/ws`, and the API.
pub(crate) fn dashboard_router(app: App) -> Router {
    let observers = Router::new()
        .route("/ws", get(sockets::observe))
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(from_fn_with_state((app.auth.clone(), app.logins.clone()), token::require_token));
    let dashboard = Router::new()
        .route("/", get(document::index))
        .route("/assets/{version}/{*path}", get(document::asset))
        .route("/api/session", get(sign_in::show).post(sign_in::sign_in).put(sign_in::renew).delete(sign_in::sign_out))
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(app.clone());
    // Agents connect here too, so one address is enough for every program.
    let agents = Router::new().route("/agent", get(sockets::agent)).with_state(app.clone());
    let routes = shared_routes(&app)
        .merge(observers.with_state(app.clone()))
        .merge(dashboard)
        .merge(agents)
        .fallback(errors::no_route);
    secured(routes, app)
}

/// The routes of both ports.
fn shared_routes(app: &App) -> Router {
    let api = Router::new()
        .route("/api/agents", get(agents::list))
        .route("/api/channels", get(agents::channels))
        .route("/api/stats", get(agents::stats))
        .route("/api/stats/timeline", get(activity::messages_by_time))
        .route("/api/stats/matrix", get(activity::matrix))
        .route("/api/stats/states", get(states::all))
        .route("/api/agents/{name}/waiting", get(overview::waiting))
        .route("/api/agents/{name}/inbox", get(inbox::show))
        .route("/api/agents/{name}/status", post(inbox::status))
        .route("/api/agents/{name}/channels", get(inbox::channels).post(inbox::change_channels))
        .route("/api/agents/{name}/seen", post(inbox::seen))
        .route("/api/agents/{name}/messages", get(messages::of_agent))
        .route("/api/agents/{name}/timeline", get(states::show))
        .route("/api/overview", get(overview::show))
        // A channel's name may contain slashes.
        .route("/api/history/{*channel}", get(history::list))
        .route("/api/messages", get(messages::recent).post(messages::post))
        .route("/api/messages/{seq}", get(messages::one))
        .route("/api/messages/{seq}/receipts", get(messages::receipts))
        .route("/api/search", get(search::list))
        .route("/api/gitea/issues/{owner}/{repo}", get(gitea::list_issues).post(gitea::create_issue))
        .route("/api/gitea/issues/{owner}/{repo}/{number}", get(gitea::get_issue))
        .route("/api/gitea/repos", get(gitea::list_repos))
        .route("/api/gitea/actions/{action}", post(gitea::act))
        .route("/mcp", any(mcp::unnamed))
        .route("/mcp/{agent}", any(mcp::named))
        // Unknown routes also need the token: without one, nobody learns which routes exist.
        .route("/api", any(errors::no_route))
        .route("/api/{*rest}", any(errors::no_route))
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(from_fn_with_state((app.auth.clone(), app.logins.clone()), token::require_token));
    let ready = get(health::ready).with_state((app.readiness.clone(), app.core.clone()));
    let open = Router::new()
        .route("/api/webhooks/gitea", post(webhooks::gitea))
        .route("/healthz", get(health::alive))
        .route("/healthz/", get(health::alive))
        .route("/readyz", ready.clone())
        .route("/readyz/", ready)
        .method_not_allowed_fallback(errors::method_not_allowed);
    api.merge(open).with_state(app.clone())
}

/// Adds the checks that every request passes first, upgrades included.
fn secured(routes: Router, app: App) -> Router {
    routes.layer(from_fn_with_state((app.guard, app.auth), origin::admit)).layer(from_fn(headers::add))
}
