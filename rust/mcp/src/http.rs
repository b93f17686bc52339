//! The server over streamable HTTP, one request at a time. Both eras of MCP are answered without sessions.
//!
//! A waiting call is answered in three steps. rmcp checks the request and finds that its tool waits. The tool waits
//! here. rmcp makes an answer of its result. While rmcp works on a request it holds channels of some 50 KiB; a call
//! that waits here needs a fraction of that.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use orochi_protocol::limits::FRAME_BYTES_MAX;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use crate::backend::Backend;
use crate::listed::Extras;
use crate::parked::Parked;
use crate::server::Server;
use crate::tools::{self, Asked};

/// Answers requests over HTTP for one agent. Creating one is cheap.
pub struct HttpServer<B: Backend> {
    backend: Arc<B>,
    service: StreamableHttpService<Server<B>, NeverSessionManager>,
}

impl<B: Backend> HttpServer<B> {
    /// A server over this backend. The caller has to check Host, Origin and token.
    pub fn new(backend: Arc<B>, extras: Extras) -> Self {
        let server = Server::new(Arc::clone(&backend), extras);
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(FRAME_BYTES_MAX)
            .disable_allowed_hosts();
        let sessions = Arc::new(NeverSessionManager::default());
        Self { backend, service: StreamableHttpService::new(move || Ok(server.clone()), sessions, config) }
    }

    /// Answers a request. Dropping the future cancels its tool.
    pub async fn handle<R>(&self, request: Request<R>) -> Response<BoxBody<Bytes, Infallible>>
    where
        R: Body + Send + 'static,
        R::Data: Send,
        R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        let body = match Limited::new(body, FRAME_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return unread(&*error),
        };
        let parked = Parked::default();
        parts.extensions.insert(parked.clone());
        let request = |parts| Request::from_parts(parts, Full::new(body.clone()));
        // Boxed, so that none of it is kept while the call waits.
        let answer = Box::pin(self.service.handle(request(parts.clone()))).await;
        let Some(Asked { call, name, given }) = parked.asked() else { return answer };
        drop(answer);
        parked.set(Box::pin(tools::call(&*self.backend, &call, &name, given)).await);
        Box::pin(self.service.handle(request(parts))).await
    }
}

/// The answer to a body that is too long or incomplete.
fn unread(error: &(dyn std::error::Error + 'static)) -> Response<BoxBody<Bytes, Infallible>> {
    let status = if error.is::<LengthLimitError>() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
    let text = format!("the request's body can't be read: {error}; at most {FRAME_BYTES_MAX} bytes");
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed());
    *response.status_mut() = status;
    response
}
