//! WebSocket upgrades: agents on any path of the agent port, observers on `/ws` of the dashboard's port.

use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use orochi_protocol::{CloseCode, ErrorCode};

use super::errors::{ApiError, Reason, Unauthorized};
use super::request::query::Params;
use super::security::token;
use super::{App, Login};
use crate::connection::wire::configure;
use crate::connection::{self, Link};
use crate::core::beyond_log;
use crate::ports::Peer;

/// The subprotocol that a browser's observer offers beside the key of its login.
const PROTOCOL: &str = "orochi";

/// Treats every upgrade on the agent port as an agent's connection. Other requests continue to the routes.
pub(super) async fn agents_on_any_path(State(app): State<App>, request: Request, next: Next) -> Response {
    if !is_upgrade(&request) {
        return next.run(request).await;
    }
    agent(State(app), request).await
}

/// GET /agent on the dashboard's port: an agent's connection, as on its own port.
pub(super) async fn agent(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let is_allowed = app.auth.allows(&parts.uri, &parts.headers);
    let peer = parts.extensions.get::<Peer>().cloned().unwrap_or_default();
    if is_allowed && !peer.authenticate() {
        return token::no_seat().into_response();
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) if is_allowed => {
            let link = move |socket| Link::new(app.core, socket, peer, app.patience);
            accept(upgrade, move |socket| connection::agent::serve(link(socket), app.calls))
        }
        // The refusal is sent as a frame, because many clients show only the status of a refused handshake.
        Ok(upgrade) => {
            let detail = Unauthorized::because(Reason::WrongToken).detail;
            accept(upgrade, move |socket| connection::refuse_auth(socket, detail))
        }
        Err(rejection) => refuse(&rejection),
    }
}

/// GET /ws: all events from now on, or after `?after=<seq>` (section 6). With `?html=true`, messages also have HTML.
pub(super) async fn observe(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    login: Option<Extension<Login>>,
    params: Params,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let (after, rendering) = (params.seq("after")?, params.rendering()?);
    // Refused in the handshake, which clients treat as final. After a close they would reconnect.
    if let Some(after) = after.filter(|after| *after > app.core.head()) {
        return Err(beyond_log("after", after, app.core.head()).into());
    }
    Ok(match upgrade {
        Ok(upgrade) => {
            // A browser that offered subprotocols needs one of them in the answer. The other one is the key of its
            // login.
            let upgrade = upgrade.protocols([PROTOCOL]);
            let link = move |socket| {
                let link = Link::new(app.core, socket, peer, app.patience);
                match login {
                    Some(Extension(login)) => link.until(login.over(), CloseCode::AuthFailed),
                    None => link,
                }
            };
            accept(upgrade, move |socket| connection::observer::serve(link(socket), after, rendering))
        }
        Err(rejection) => refuse(&rejection),
    })
}

fn accept<F>(upgrade: WebSocketUpgrade, serve: impl FnOnce(WebSocket) -> F + Send + 'static) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    configure(upgrade)
        .on_failed_upgrade(|error| tracing::debug!(%error, "a client left during its upgrade"))
        .on_upgrade(serve)
}

fn is_upgrade(request: &Request) -> bool {
    request.method() == Method::GET && names_websocket(request.headers())
}

fn names_websocket(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::UPGRADE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
}

/// The answer to a broken handshake. It names the supported version (RFC 6455, section 4.2.2).
fn refuse(rejection: &WebSocketUpgradeRejection) -> Response {
    let detail = format!("this address is for WebSockets (RFC 6455, version 13): {rejection}");
    let mut response = ApiError::new(ErrorCode::ParseError, detail).into_response();
    response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
