//! The MCP server around the tools, by rmcp: both eras of the handshake, and stdio.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomNotification, Implementation,
    InitializeRequestParams, InitializeResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, ServerNotification,
};
use rmcp::service::{NotificationContext, Peer, QuitReason, RequestContext, RunningService};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use serde_json::{Map, json};

use crate::backend::{Backend, Call, Message};
use crate::listed::{self, Extras};
use crate::tools;

/// Serves the tools over a backend.
#[derive(Debug)]
pub struct Server<B> {
    backend: Arc<B>,
    extras: Extras,
}

impl<B> Clone for Server<B> {
    fn clone(&self) -> Self {
        Self { backend: Arc::clone(&self.backend), extras: self.extras }
    }
}

impl<B: Backend> Server<B> {
    /// A server over this backend.
    pub fn new(backend: Arc<B>, extras: Extras) -> Self {
        Self { backend, extras }
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
            .with_instructions(listed::instructions(self.backend.me().ok().as_deref()))
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
        let done = tokio::select! {
            done = tools::call(&*self.backend, &call, &request.name, given) => done,
            // Nobody reads the answer. What was waited for stays where it is.
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("the call was cancelled", None)),
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

    async fn on_initialized(&self, _context: NotificationContext<RoleServer>) {}
}

/// A server on this process's stdin and stdout.
pub struct Stdio<B: Backend> {
    running: RunningService<RoleServer, Server<B>>,
}

/// Pushes messages to a client of [`Extras::channel`].
#[derive(Clone)]
pub struct Push {
    peer: Peer<RoleServer>,
}

impl<B: Backend> Stdio<B> {
    /// Answers the client's first request; None where stdin ended before there was one.
    ///
    /// # Errors
    /// What the client sent can't be read.
    pub async fn start(server: Server<B>) -> std::io::Result<Option<Self>> {
        match server.serve(rmcp::transport::stdio()).await {
            Ok(running) => Ok(Some(Self { running })),
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(None),
            Err(error) => Err(std::io::Error::other(error)),
        }
    }

    /// Where messages are pushed.
    pub fn push(&self) -> Push {
        Push { peer: self.running.peer().clone() }
    }

    /// Serves until stdin ends.
    pub async fn ended(self) -> std::io::Result<()> {
        match self.running.waiting().await {
            Ok(QuitReason::JoinError(error)) | Err(error) => Err(std::io::Error::other(error)),
            Ok(_) => Ok(()),
        }
    }
}

impl Push {
    /// Pushes a message, as 0.1.0's push server does: all values of `meta` are texts.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn message(&self, message: &Message) -> std::io::Result<()> {
        let content = crate::text::neutralise(&message.text);
        let meta = json!({
            "chat_id": message.channel, "user": message.sender, "ts": message.ts, "msg_id": message.seq.to_string(),
        });
        let params = json!({ "content": content, "meta": meta });
        let pushed = CustomNotification::new("notifications/claude/channel", Some(params));
        let sent = self.peer.send_notification(ServerNotification::CustomNotification(pushed)).await;
        sent.map_err(std::io::Error::other)
    }
}
