//! The server over streamable HTTP, one request at a time. Both eras of MCP are answered without sessions.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::combinators::BoxBody;
use orochi_protocol::limits::FRAME_BYTES_MAX;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use crate::backend::Backend;
use crate::listed::Extras;
use crate::server::Server;

/// Answers requests over HTTP for one agent. Making one costs nothing.
pub struct HttpServer<B: Backend> {
    service: StreamableHttpService<Server<B>, NeverSessionManager>,
}

impl<B: Backend> HttpServer<B> {
    /// A server over this backend. Whoever mounts it checks Host, Origin and token.
    pub fn new(backend: Arc<B>, extras: Extras) -> Self {
        let server = Server::new(backend, extras);
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(FRAME_BYTES_MAX)
            .disable_allowed_hosts();
        let sessions = Arc::new(NeverSessionManager::default());
        Self { service: StreamableHttpService::new(move || Ok(server.clone()), sessions, config) }
    }

    /// Answers a request. Dropping the future cancels its tool.
    pub async fn handle<R>(&self, request: Request<R>) -> Response<BoxBody<Bytes, Infallible>>
    where
        R: Body + Send + 'static,
        R::Error: std::fmt::Display,
    {
        self.service.handle(request).await
    }
}
