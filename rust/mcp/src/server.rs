//! The MCP server around the tools, by rmcp: both eras of the handshake.

use std::sync::Arc;

use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, DiscoverResult, Implementation,
    InitializeRequestParams, InitializeResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::backend::{Backend, Call};
use crate::listed::{self, Extras};
use crate::parked::Parked;
use crate::tools::{self, Asked, ToolResult};

/// The stage of the conversation with a client on stdio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not reported yet that it is ready.
    Opening,
    /// It accepts notifications.
    Ready,
    /// It has ended its input.
    Ended,
}

/// Serves the tools over a backend.
#[derive(Debug)]
pub struct Server<B> {
    backend: Arc<B>,
    extras: Extras,
    pub(crate) stage: watch::Sender<Stage>,
}

impl<B> Clone for Server<B> {
    fn clone(&self) -> Self {
        Self { backend: Arc::clone(&self.backend), extras: self.extras, stage: self.stage.clone() }
    }
}

impl<B: Backend> Server<B> {
    /// A server over this backend.
    pub fn new(backend: Arc<B>, extras: Extras) -> Self {
        Self { backend, extras, stage: watch::Sender::new(Stage::Opening) }
    }

    /// Resolves when the client has ended and nobody can read a waiting call's result. Over HTTP the call itself is
    /// dropped.
    async fn ended(&self) {
        let mut stage = self.stage.subscribe();
        // The server holds the sender, so there is always another stage to wait for.
        while *stage.borrow_and_update() != Stage::Ended && stage.changed().await.is_ok() {}
    }

    /// Calls a tool, until nobody reads its answer any more. A message that was awaited then stays unread.
    async fn call(
        &self,
        context: &RequestContext<RoleServer>,
        call: &Call,
        name: &str,
        given: Map<String, Value>,
    ) -> Result<ToolResult, ErrorData> {
        tokio::select! {
            done = tools::call(&*self.backend, call, name, given) => Ok(done),
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the call was cancelled", None)),
            () = self.ended(), if tools::waits(name) => Err(ErrorData::internal_error("the client ended", None)),
        }
    }

    fn who_calls(&self, context: &RequestContext<RoleServer>) -> Call {
        let client = context.client_info().map(|client| client.name);
        let thread = context.meta.get("threadId").and_then(|thread| thread.as_str()).map(ToOwned::to_owned);
        if let Some(client) = &client {
            self.backend.introduced(client);
        }
        Call { client, thread }
    }
}

impl<B: Backend> ServerHandler for Server<B> {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::builder().enable_tools().build();
        if self.extras.channel {
            let channel = std::collections::BTreeMap::from([("claude/channel".to_owned(), Map::new())]);
            capabilities.experimental = Some(channel);
        }
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("orochi", env!("CARGO_PKG_VERSION")))
            .with_instructions(listed::instructions(self.backend.me().ok().as_deref(), self.extras))
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.backend.introduced(&request.client_info.name);
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        self.who_calls(&context);
        Ok(DiscoverResult::from_server_info(self.supported_protocol_versions().into_owned(), self.get_info()))
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.who_calls(&context);
        Ok(ListToolsResult::with_all_items(listed::tools(self.extras)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let call = self.who_calls(&context);
        let given = request.arguments.unwrap_or_default();
        let parked = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Parked>());
        let done = match parked {
            Some(parked) => {
                let asked = Asked { call, name: request.name.to_string(), given };
                // Nobody sees this answer: the request is handled once more when the tool has run.
                parked.park(asked).unwrap_or_else(|| Some(Ok(String::new())))
            }
            None => self.call(&context, &call, &request.name, given).await?,
        };
        let result = match done {
            None => {
                let names: Vec<_> = listed::tools(self.extras).into_iter().map(|tool| tool.name).collect();
                let detail = format!("there is no tool {:?}: known are {}", request.name, names.join(", "));
                return Err(ErrorData::invalid_params(detail, None));
            }
            Some(Ok(text)) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Some(Err(fault)) => {
                CallToolResult::error(vec![ContentBlock::text(format!("{}: {}", fault.code, fault.detail))])
            }
        };
        Ok(result.into())
    }

    async fn on_initialized(&self, _context: NotificationContext<RoleServer>) {
        self.stage.send_if_modified(|stage| {
            let is_new = *stage == Stage::Opening;
            if is_new {
                *stage = Stage::Ready;
            }
            is_new
        });
    }
}
