//! The server over streamable HTTP, one request at a time. Both eras of MCP are answered without sessions.
//!
//! A tool's call is answered in three steps. rmcp checks the request and finds the call. The tool runs here. rmcp puts
//! its result into an answer. While rmcp works on a request it holds channels of some 50 KiB for it, so it works on few
//! at once. A call that waits or is slow holds a fraction of that, and keeps nobody else from rmcp.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use orochi_protocol::limits::FRAME_BYTES_MAX;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::Semaphore;

use crate::backend::Backend;
use crate::listed::Extras;
use crate::parked::Parked;
use crate::server::Server;
use crate::tools::{self, Asked};

/// The requests on which rmcp works at once. None of them waits: tools run outside of it.
static WORKING: Semaphore = Semaphore::const_new(16);

/// Answers requests over HTTP for one agent. Creating one is cheap.
pub struct HttpServer<B: Backend> {
    backend: Arc<B>,
    extras: Extras,
}

impl<B: Backend> HttpServer<B> {
    /// A server over this backend. The caller has to check Host, Origin and token.
    pub fn new(backend: Arc<B>, extras: Extras) -> Self {
        Self { backend, extras }
    }

    /// Answers a request. Dropping the future cancels its tool.
    ///
    /// Each step is a box of its own, so a call holds the memory of its own step alone.
    pub async fn handle<R>(self, request: Request<R>) -> Response<BoxBody<Bytes, Infallible>>
    where
        R: Body + Send + 'static,
        R::Data: Send,
        R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (asked, again) = match Box::pin(self.begin(request)).await {
            Step::Answered(answer) => return answer,
            Step::Calls { asked, again } => (asked, again),
        };
        let result = tools::run(&*self.backend, asked).await;
        Box::pin(async move {
            again.parked.set(result);
            self.work_on(again.request()).await
        })
        .await
    }

    /// Reads a request and answers it, unless it is a call.
    async fn begin<R>(&self, request: Request<R>) -> Step
    where
        R: Body + Send + 'static,
        R::Data: Send,
        R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        let body = match Limited::new(body, FRAME_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Step::Answered(unread(&*error)),
        };
        let parked = Parked::default();
        parts.extensions.insert(parked.clone());
        let repeat = Repeat::of(&parts, &body, parked.clone());
        let answer = self.work_on(Request::from_parts(parts, Full::new(body))).await;
        match parked.asked() {
            Some(asked) => Step::Calls { asked, again: Box::new(repeat) },
            None => Step::Answered(answer),
        }
    }

    /// Lets rmcp answer a request.
    async fn work_on(&self, request: Request<Full<Bytes>>) -> Response<BoxBody<Bytes, Infallible>> {
        // It is never closed.
        let _permit = WORKING.acquire().await;
        self.service().handle(request).await
    }

    fn service(&self) -> StreamableHttpService<Server<B>, NeverSessionManager> {
        let server = Server::new(Arc::clone(&self.backend), self.extras);
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(FRAME_BYTES_MAX)
            .disable_allowed_hosts();
        StreamableHttpService::new(move || Ok(server.clone()), Arc::new(NeverSessionManager::default()), config)
    }
}

/// The result of the first look at a request.
enum Step {
    Answered(Response<BoxBody<Bytes, Infallible>>),
    /// A tool is called; `again` is the request for the time when there is a result.
    Calls {
        asked: Asked,
        again: Box<Repeat>,
    },
}

/// A copy of a request. The original's headers and body are views of the connection's read buffer and would hold all of
/// it.
struct Repeat {
    parts: Parts,
    body: Box<[u8]>,
    parked: Parked,
}

impl Repeat {
    fn of(parts: &Parts, body: &[u8], parked: Parked) -> Self {
        let (mut copy, ()) = Request::new(()).into_parts();
        copy.method = parts.method.clone();
        copy.version = parts.version;
        let headers = parts.headers.iter().filter_map(|(name, value)| {
            // Both were valid before.
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        });
        copy.headers.extend(headers);
        copy.extensions.insert(parked.clone());
        Self { parts: copy, body: body.into(), parked }
    }

    fn request(self) -> Request<Full<Bytes>> {
        Request::from_parts(self.parts, Full::new(Bytes::from(self.body)))
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
