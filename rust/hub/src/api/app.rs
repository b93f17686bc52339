//! The state of the routes: handles to the hub's parts, and the settings that routes read.

use std::sync::Arc;

use axum::http::HeaderMap;
use orochi_protocol::{AgentName, Timestamp};

use super::dashboard::digest::Digest;
use super::health::Readiness;
use super::security::login::Logins;
use super::security::origin::{Bind, Guard};
use super::security::token::Auth;
use crate::config::{Checked, ConfigError};
use crate::connection::progress::Patience;
use crate::core::{Core, system_clock};
use crate::gitea::bridge::{Bridge, SENDER};
use crate::gitea::once::Calls;
use crate::gitea::webhook::signature::Signature;
use crate::gitea::{Gitea, Limits};
use crate::mcp::Returned;

/// The state that every route can use. Clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub core: Core,
    pub auth: Auth,
    /// The Host and Origin rules.
    pub guard: Guard,
    /// Makes calls to Gitea.
    pub calls: Calls,
    /// Counts of recent messages.
    pub digest: Digest,
    /// Logins to the dashboard.
    pub logins: Logins,
    /// The messages that each MCP client has already received from its tools.
    pub returned: Returned,
    /// Posts events at Gitea as messages.
    pub bridge: Bridge,
    /// The settings of Gitea's webhooks.
    pub(super) webhooks: Arc<Webhooks>,
    pub started: Timestamp,
    /// The hub's name for people; empty if it has none.
    pub name: Arc<str>,
    /// The configured port for agents; 0 if the system chose it.
    pub agent_port: u16,
    /// Deadlines of connections.
    pub patience: Patience,
    /// OROCHI_PUBLIC_URL begins with https.
    is_public_by_tls: bool,
    pub(super) readiness: Readiness,
}

/// The settings of Gitea's webhooks.
#[derive(Debug)]
pub(super) struct Webhooks {
    /// None if webhooks are off.
    pub(super) signature: Option<Signature>,
    /// The largest accepted delivery. A delivery is read whole before its signature can be checked.
    pub(super) bytes_max: usize,
}

impl App {
    /// Creates the state of both ports' routes.
    ///
    /// # Errors
    /// Fails if the name of Gitea's events can't be a sender.
    pub(crate) fn new(core: Core, config: &Checked, logins: Logins, patience: Patience) -> Result<Self, ConfigError> {
        let bind = if config.is_loopback() { Bind::Loopback } else { Bind::Reachable };
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
            returned: Returned::default(),
            logins,
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

    /// Returns whether the sending browser uses TLS, as a proxy's header or OROCHI_PUBLIC_URL says.
    pub(super) fn is_behind_tls(&self, headers: &HeaderMap) -> bool {
        let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        // With several proxies, the first value comes from the one nearest to the browser.
        let scheme = forwarded.and_then(|schemes| schemes.split(',').next()).map(str::trim);
        self.is_public_by_tls || scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }
}
