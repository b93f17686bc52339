//! A hub for one test, with HTTP requests and WebSockets to it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use orochi_hub::Config;
use orochi_hub::Hub;
use orochi_hub::Patience;
use orochi_hub::http_client_builder;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::frames;

/// Longer than anything here takes on a busy machine. No test waits for it to elapse.
const DEADLINE: Duration = Duration::from_secs(20);

pub struct TestHub {
    pub hub: Hub,
    client: Client,
    config: Config,
    _folder: TempDir,
}

impl TestHub {
    /// Starts a hub on this machine that needs no token.
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start(change, Patience::default()).await
    }

    pub async fn start(change: impl FnOnce(&mut Config), patience: Patience) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Some(folder.path().join("log.db"));
        let mut config = Config { port: 0, dashboard_port: 0, db, ..Config::default() };
        change(&mut config);
        let hub = Hub::start_with(&config.clone().check().unwrap(), patience).await.unwrap();
        Self { hub, client: http_client_builder("http:").build().unwrap(), config, _folder: folder }
    }

    /// Stops the hub in order and starts it again on the same log and new ports.
    pub async fn restart(self) -> Self {
        in_time(self.hub.stop()).await;
        Self { hub: Hub::start(&self.config.clone().check().unwrap()).await.unwrap(), ..self }
    }

    /// Does the same with other settings.
    pub async fn restart_with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self.restart().await
    }

    /// The `host:port` of the agent port.
    pub fn agent_host(&self) -> &str {
        self.hub.ready.agent_url.strip_prefix("ws://").unwrap()
    }

    /// The `host:port` of the dashboard port.
    pub fn dashboard_host(&self) -> &str {
        self.hub.ready.dashboard_url.strip_prefix("http://").unwrap()
    }

    /// Builds a request to the dashboard port.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("http://{}{path}", self.dashboard_host()))
    }

    /// Builds a request to the agent port.
    pub fn request_agent_port(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("http://{}{path}", self.agent_host()))
    }

    /// The JSON answer to a GET, which must have status 200.
    pub async fn get(&self, path: &str) -> Value {
        let response = send(self.request("GET", path)).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// Posts a message. Returns the status and the answer.
    pub async fn post(&self, body: Value) -> (StatusCode, Value) {
        let response = send(self.request("POST", "/api/messages").body(body.to_string())).await;
        (response.status(), response.json().await.unwrap())
    }

    /// Posts a message, which must be accepted.
    pub async fn say(&self, sender: &str, channel: &str, content: &str) -> Value {
        let (status, answer) = self.post(json!({"sender": sender, "channel": channel, "content": content})).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }

    /// Opens a socket and registers an agent.
    pub async fn agent(&self, name: &str, channels: &[&str]) -> Socket {
        let mut socket = Socket::connect(&format!("ws://{}/", self.agent_host())).await;
        socket.send(json!({"type": "register", "sender": name, "payload": {"channels": channels}})).await;
        assert_eq!(socket.next().await["type"], "ack");
        socket
    }
}

/// Sends a request under the deadline.
pub async fn send(request: RequestBuilder) -> Response {
    in_time(request.send()).await.unwrap()
}

/// Sends the bytes of a request and reads until the hub closes. The caller has to include `Connection: close`.
pub async fn send_raw(host: &str, request: &[u8]) -> String {
    in_time(async {
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    })
    .await
}

pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it should not take so long")
}

/// A WebSocket to the hub.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn connect(url: &str) -> Self {
        Self::open(url).await
    }

    /// Does the same with a whole request.
    pub async fn open(request: impl IntoClientRequest + Unpin) -> Self {
        Self(in_time(connect_async(request)).await.unwrap().0)
    }

    pub async fn send(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame, without pings.
    pub async fn next(&mut self) -> Value {
        match self.receive().await {
            Message::Text(text) => frames::from_hub(&text),
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    /// Closes the socket with a close frame. Dropping a socket closes it without one.
    pub async fn close(mut self) {
        in_time(self.0.close(None)).await.unwrap();
    }

    /// The hub's close frame, which must be the next frame.
    pub async fn closed(&mut self) -> CloseFrame {
        match self.receive().await {
            Message::Close(Some(close)) => close,
            other => panic!("expected a close, got {other:?}"),
        }
    }

    async fn receive(&mut self) -> Message {
        in_time(async {
            loop {
                match self.0.next().await.unwrap().unwrap() {
                    Message::Ping(_) => {}
                    message => return message,
                }
            }
        })
        .await
    }
}
