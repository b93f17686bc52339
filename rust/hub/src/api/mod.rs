//! HTTP on both ports (sections 2 and 7): the routes, and who may use them.
//!
//! - [`security`]: where a request may come from, the token, logins, and the headers of every answer.
//! - [`request`]: query strings, bodies and lists as typed values. [`errors`]: refusals as JSON.
//! - [`sockets`]: WebSocket upgrades; from there on the connection module speaks.
//! - [`agents`], [`gitea`], [`history`], [`messages`], [`search`], [`health`]: the routes, a group a file.
//!   [`webhooks`]: what Gitea tells.
//! - [`dashboard`]: the page, and what only the page asks for.
//!
//! A request passes headers, origin, then its port's routes; the token is asked for where the routes are
//! joined, so that a new route under `/api` can't forget it.

mod agents;
pub mod dashboard;
mod errors;
mod gitea;
mod health;
mod history;
mod messages;
mod request;
mod search;
mod security;
mod sockets;
mod webhooks;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};
use orochi_protocol::Timestamp;

use dashboard::{activity, overview, page, states};
use health::Readiness;
pub use security::login::{Login, Sessions};
pub use security::origin::{Bind, Guard};
pub use security::token::Auth;
use security::{headers, login, origin, token};

use crate::config::{Config, ConfigError};
use crate::connection::progress::Patience;
use crate::core::{Core, system_clock};
use crate::gitea::bridge::{Bridge, SENDER};
use crate::gitea::once::Calls;
use crate::gitea::webhook::signature::Signature;
use crate::gitea::{Gitea, Limits};
use dashboard::digest::Digest;
use orochi_protocol::AgentName;

/// What every request can use. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct App {
    /// The hub's state.
    pub core: Core,
    /// The token.
    pub auth: Auth,
    /// Where requests may come from.
    pub guard: Guard,
    /// Where calls to Gitea are made.
    pub calls: Calls,
    /// What was said lately, counted.
    pub digest: Digest,
    /// Who is signed in to the dashboard.
    pub sessions: Sessions,
    /// Tells what happens at Gitea.
    pub bridge: Bridge,
    /// Who may tell of Gitea.
    webhooks: Arc<Webhooks>,
    /// When the hub started.
    pub started: Timestamp,
    /// The hub's name, for people; empty where it has none.
    pub name: Arc<str>,
    /// The port for agents, as it was asked for; 0 where the system chose it.
    pub agent_port: u16,
    /// How long connections are waited for.
    pub patience: Patience,
    /// Whether people reach the dashboard by https, as OROCHI_PUBLIC_URL has it.
    is_public_by_tls: bool,
    readiness: Readiness,
}

/// What is set of Gitea's webhooks.
#[derive(Debug)]
struct Webhooks {
    /// None where they are not taken.
    signature: Option<Signature>,
    /// The largest delivery; it is read whole before its signature can be checked.
    bytes_max: usize,
}

impl App {
    /// The state of both ports' routes.
    ///
    /// # Errors
    /// Where the configured host has no address.
    pub fn new(core: Core, config: &Config, sessions: Sessions, patience: Patience) -> Result<Self, ConfigError> {
        let bind = if config.addresses()?.iter().all(IpAddr::is_loopback) { Bind::Loopback } else { Bind::Reachable };
        let guard = Guard::new(bind, &config.allowed_origins, &config.allowed_hosts);
        let auth = Auth::new(&config.token);
        let signature = Signature::new(&config.gitea_webhook_secret);
        if signature.is_some() {
            core.reserve(AgentName::parse(SENDER).map_err(|_| ConfigError::GiteaWebhookSecret)?);
        }
        let webhooks = Arc::new(Webhooks { signature, bytes_max: config.gitea_webhook_bytes });
        let gitea = Gitea::new(config, Limits::default());
        let bridge = Bridge::new(core.clone(), gitea.clone(), config);
        let calls = Calls::new(core.clone(), gitea);
        Ok(Self {
            core,
            auth,
            guard,
            calls,
            digest: Digest::default(),
            sessions,
            bridge,
            webhooks,
            started: system_clock(),
            name: config.hub_name.as_str().into(),
            agent_port: config.port,
            patience,
            is_public_by_tls: config.public_url.as_ref().is_some_and(|url| url.starts_with("https:")),
            readiness: Readiness::default(),
        })
    }

    /// Whether the browser that sent these headers speaks TLS, to a proxy that says so or by what is configured.
    fn is_behind_tls(&self, headers: &HeaderMap) -> bool {
        let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        // With several proxies the first value is the one nearest to the browser.
        let scheme = forwarded.and_then(|schemes| schemes.split(',').next()).map(str::trim);
        self.is_public_by_tls || scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }
}

/// The agent port: a WebSocket on any path is an agent, everything else is the API.
pub fn agent_router(app: App) -> Router {
    let routes = shared_routes(&app)
        .fallback(errors::no_page_for_agents)
        .layer(from_fn_with_state(app.clone(), sockets::agents_on_any_path));
    secured(routes, app)
}

/// The dashboard port: the page, observers on `/ws`, and the API.
pub fn dashboard_router(app: App) -> Router {
    let observers = Router::new()
        .route("/ws", get(sockets::observe))
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), token::require_token));
    let page = Router::new()
        .route("/", get(page::index))
        .route("/assets/{version}/{*path}", get(page::asset))
        .route("/api/session", get(login::standing).post(login::sign_in).put(login::renew).delete(login::sign_out))
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(app.clone());
    let routes = shared_routes(&app).merge(observers.with_state(app.clone())).merge(page).fallback(errors::no_page);
    secured(routes, app)
}

/// What both ports serve.
fn shared_routes(app: &App) -> Router {
    let api = Router::new()
        .route("/api/agents", get(agents::list))
        .route("/api/channels", get(agents::channels))
        .route("/api/stats", get(agents::stats))
        .route("/api/stats/timeline", get(activity::timeline))
        .route("/api/stats/matrix", get(activity::matrix))
        .route("/api/stats/states", get(states::all))
        .route("/api/agents/{name}/waiting", get(overview::waiting))
        .route("/api/agents/{name}/messages", get(messages::of_agent))
        .route("/api/agents/{name}/timeline", get(states::show))
        .route("/api/overview", get(overview::show))
        // A channel's name may hold slashes.
        .route("/api/history/{*channel}", get(history::list))
        .route("/api/messages", get(messages::recent).post(messages::post))
        .route("/api/messages/{seq}", get(messages::one))
        .route("/api/messages/{seq}/receipts", get(messages::receipts))
        .route("/api/search", get(search::list))
        .route("/api/gitea/issues/{owner}/{repo}", get(gitea::list_issues).post(gitea::create_issue))
        .route("/api/gitea/issues/{owner}/{repo}/{number}", get(gitea::get_issue))
        .route("/api/gitea/repos", get(gitea::list_repos))
        .route("/api/gitea/actions/{action}", post(gitea::act))
        // Whoever has no token is not told what there is.
        .route("/api", any(errors::no_page))
        .route("/api/{*rest}", any(errors::no_page))
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), token::require_token));
    let open = Router::new()
        .route("/api/webhooks/gitea", post(webhooks::gitea))
        .route("/healthz", get(health::alive))
        .route("/healthz/", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/readyz/", get(health::ready))
        .method_not_allowed_fallback(errors::method_not_allowed);
    api.merge(open).with_state(app.clone())
}

/// What every request passes first, upgrades too.
fn secured(routes: Router, app: App) -> Router {
    routes.layer(from_fn_with_state(app, origin::admit)).layer(from_fn(headers::add))
}
