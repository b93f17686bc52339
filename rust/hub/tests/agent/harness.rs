//! A hub for one test, and sockets that match replies to requests.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use orochi_hub::Config;
use orochi_hub::Hub;
use orochi_hub::Patience;
use orochi_hub::http_client_builder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::frames;

/// Longer than anything here takes on a busy machine. No test waits for it to elapse.
const DEADLINE: Duration = Duration::from_secs(60);

pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it should not take so long")
}

pub struct TestHub {
    hub: Option<Hub>,
    config: Config,
    _folder: TempDir,
}

impl TestHub {
    /// Starts a hub on this machine that needs no token.
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(change, Patience::default()).await
    }

    pub async fn with_patience(patience: Patience) -> Self {
        Self::start_with(|_| {}, patience).await
    }

    async fn start_with(change: impl FnOnce(&mut Config), patience: Patience) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Some(folder.path().join("log.db"));
        let mut config = Config { port: 0, dashboard_port: 0, db, ..Config::default() };
        change(&mut config);
        let hub = Some(Hub::start_with(&config.clone().check().unwrap(), patience).await.unwrap());
        Self { hub, config, _folder: folder }
    }

    pub fn hub(&self) -> &Hub {
        self.hub.as_ref().expect("the hub runs")
    }

    pub fn db(&self) -> &Path {
        self.config.db.as_deref().expect("each test names its own")
    }

    /// Stops the hub in order.
    pub async fn stop(&mut self) {
        in_time(self.hub.take().expect("the hub runs").stop()).await;
    }

    /// Starts the hub again on the same log and new ports.
    pub async fn start(&mut self) {
        self.hub = Some(Hub::start(&self.config.clone().check().unwrap()).await.unwrap());
    }

    /// Opens a socket to the agent port, without a register.
    pub async fn connect(&self) -> Socket {
        Socket::connect(&self.hub().ready.agent_url).await
    }

    /// Opens a socket and registers an agent.
    pub async fn agent(&self, name: &str, channels: &[&str]) -> Socket {
        self.register(name, json!({"channels": channels})).await.0
    }

    /// Registers an agent. Also returns the payload of its ack.
    pub async fn register(&self, name: &str, payload: Value) -> (Socket, Value) {
        let mut socket = self.connect().await;
        let ack = socket.register(name, payload).await;
        (socket, ack)
    }

    /// Opens an observer; `query` is empty or `?after=N`.
    pub async fn observer(&self, query: &str) -> Socket {
        let host = self.hub().ready.dashboard_url.strip_prefix("http://").unwrap();
        Socket::connect(&format!("ws://{host}/ws{query}")).await
    }

    /// The JSON answer to a GET on the dashboard's port.
    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.hub().ready.dashboard_url);
        in_time(http_client_builder(&url).build().unwrap().get(url).send()).await.unwrap().json().await.unwrap()
    }
}

impl TestHub {
    /// The JSON answer to a POST on the dashboard's port; null if it is empty.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.hub().ready.dashboard_url);
        let answer = in_time(http_client_builder(&url).build().unwrap().post(url).json(body).send()).await.unwrap();
        let text = in_time(answer.text()).await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

pub type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A WebSocket to the hub.
pub struct Socket {
    /// Public for tests that write bytes no WebSocket library would write.
    pub stream: Stream,
    /// Frames that arrived during the wait for a reply.
    waiting: VecDeque<Value>,
    /// Received `caught_up` frames, kept apart from the others.
    caught_up: VecDeque<Value>,
    requests: u64,
}

impl Socket {
    pub async fn connect(url: &str) -> Self {
        let (stream, _) = in_time(connect_async(url)).await.unwrap();
        Self { stream, waiting: VecDeque::new(), caught_up: VecDeque::new(), requests: 0 }
    }

    /// Sends a WebSocket message unchanged.
    pub async fn send_raw(&mut self, message: Message) {
        in_time(self.stream.send(message)).await.unwrap();
    }

    pub async fn send(&mut self, frame: &Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    /// Sends a frame to a hub that may be stopping. Returns false if the socket is closed.
    pub async fn try_send(&mut self, frame: &Value) -> bool {
        in_time(self.stream.send(Message::text(frame.to_string()))).await.is_ok()
    }

    /// The next frame of a hub that may be stopping; None if the socket is closed.
    pub async fn try_next(&mut self) -> Option<Value> {
        loop {
            match in_time(self.stream.next()).await {
                Some(Ok(Message::Text(text))) => return Some(frames::from_hub(&text)),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Sends a request with a new id, which it returns.
    pub async fn request(&mut self, kind: &str, payload: Value) -> String {
        self.requests += 1;
        let id = format!("r{}", self.requests);
        self.send(&json!({"type": kind, "id": id, "payload": payload})).await;
        id
    }

    pub async fn register(&mut self, name: &str, payload: Value) -> Value {
        self.send(&json!({"type": "register", "sender": name, "id": "register", "payload": payload})).await;
        let reply = self.reply("register").await;
        assert_eq!(reply["type"], "ack", "{reply}");
        reply["payload"].clone()
    }

    /// Sends a request. Returns the payload of its ack.
    pub async fn ask(&mut self, kind: &str, payload: Value) -> Value {
        let id = self.request(kind, payload).await;
        let reply = self.reply(&id).await;
        assert_eq!(reply["type"], "ack", "{reply}");
        reply["payload"].clone()
    }

    /// Sends a request. Returns the code of its error.
    pub async fn refused(&mut self, kind: &str, payload: Value) -> String {
        let id = self.request(kind, payload).await;
        let reply = self.reply(&id).await;
        assert_eq!(reply["type"], "error", "{reply}");
        reply["payload"]["code"].as_str().unwrap().to_owned()
    }

    /// Sends a request. Returns the payload of the data frame before its ack, without the `ref`.
    pub async fn answer(&mut self, kind: &str, payload: Value) -> Value {
        let id = self.request(kind, payload).await;
        let reply = self.reply(&id).await;
        assert_eq!(reply["type"], "ack", "{reply}");
        // A message can come between data frame and ack; a message has a seq.
        let is_data = |frame: &Value| frame["sender"] == "orochi-server" && frame.get("seq").is_none();
        let at = self.waiting.iter().rposition(is_data).expect("data before the ack");
        let mut payload = self.waiting.remove(at).unwrap()["payload"].take();
        let named = payload.as_object_mut().unwrap().remove("ref");
        assert_eq!(named, Some(Value::from(id)), "the data of another request");
        payload
    }

    /// Sends a query. Returns its rows, newest first.
    pub async fn history(&mut self, payload: Value) -> Vec<Value> {
        self.answer("query", payload).await["history"].as_array().unwrap().clone()
    }

    /// Sends a message. Returns the ack's payload.
    pub async fn say(&mut self, channel: &str, content: &str) -> Value {
        self.ask("message", json!({"channel": channel, "content": content})).await
    }

    /// The ack or error of the request `id`. Earlier frames are kept for [`Socket::next`].
    pub async fn reply(&mut self, id: &str) -> Value {
        loop {
            let frame = self.receive_frame().await;
            let is_reply = frame["type"] == "ack" || frame["type"] == "error";
            if is_reply && frame["payload"]["ref"] == id {
                return frame;
            }
            self.waiting.push_back(frame);
        }
    }

    /// Returns whether the request `id` has a reply, and removes the reply from the kept frames.
    pub async fn has_reply(&mut self, id: &str) -> bool {
        self.ask("presence", json!({})).await;
        self.waiting.retain(|frame| frame["type"] != "presence");
        let found = self.waiting.iter().position(|frame| frame["payload"]["ref"] == id);
        found.and_then(|at| self.waiting.remove(at)).is_some()
    }

    /// The text of the next frame, if no frame was kept.
    pub async fn next_text(&mut self) -> String {
        match self.receive().await {
            Message::Text(text) if self.waiting.is_empty() => text.to_string(),
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    /// The next frame, without pings.
    pub async fn next(&mut self) -> Value {
        match self.waiting.pop_front() {
            Some(frame) => frame,
            None => self.receive_frame().await,
        }
    }

    /// The next message. Events before it are dropped.
    pub async fn next_message(&mut self) -> Value {
        self.next_that(|frame| frame["type"] == "message").await
    }

    /// The next frame of this kind. Others before it are dropped.
    pub async fn next_that(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await;
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// The contents of the next `count` messages.
    pub async fn contents(&mut self, count: usize) -> Vec<String> {
        let mut contents = Vec::with_capacity(count);
        for _ in 0..count {
            let frame = self.next().await;
            assert_eq!(frame["type"], "message", "{frame}");
            contents.push(frame["payload"]["content"].as_str().unwrap().to_owned());
        }
        contents
    }

    /// Checks that nothing further arrived: the core has handled everything acked before.
    pub async fn nothing_more(&mut self) {
        self.answer("presence", json!({})).await;
        assert!(self.waiting.is_empty(), "unexpected: {:?}", self.waiting);
    }

    /// Drops `count` frames of this kind and checks that nothing else arrived.
    pub async fn nothing_more_but(&mut self, kind: &str, count: usize) {
        for _ in 0..count {
            let frame = self.next().await;
            assert_eq!(frame["type"], kind, "{frame}");
        }
        self.nothing_more().await;
    }

    /// The hub's close code. Frames before it are dropped.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Message::Close(Some(close)) = self.receive().await {
                return close.code.into();
            }
        }
    }

    /// Closes the socket and waits for the hub's answer.
    pub async fn leave(mut self) {
        self.stream.close(None).await.unwrap();
        in_time(async { while let Some(Ok(_)) = self.stream.next().await {} }).await;
    }

    async fn receive_frame(&mut self) -> Value {
        loop {
            let frame = self.any_frame().await;
            if frame["type"] != "caught_up" {
                return frame;
            }
            self.caught_up.push_back(frame);
        }
    }

    /// The payload of the next `caught_up`, and the frames before it.
    pub async fn until_caught_up(&mut self) -> (Value, Vec<Value>) {
        let mut before: Vec<Value> = self.waiting.drain(..).collect();
        loop {
            if let Some(frame) = self.caught_up.pop_front() {
                return (frame["payload"].clone(), before);
            }
            let frame = self.any_frame().await;
            let is_it = frame["type"] == "caught_up";
            if is_it { &mut self.caught_up } else { &mut self.waiting }.push_back(frame);
            before.extend(self.waiting.drain(..));
        }
    }

    /// The number of received `caught_up` frames.
    pub fn caught_up_count(&self) -> usize {
        self.caught_up.len()
    }

    async fn any_frame(&mut self) -> Value {
        match self.receive().await {
            Message::Text(text) => frames::from_hub(&text),
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    async fn receive(&mut self) -> Message {
        in_time(async {
            loop {
                match self.stream.next().await.expect("the hub closed without a word").unwrap() {
                    Message::Ping(_) | Message::Pong(_) => {}
                    message => return message,
                }
            }
        })
        .await
    }
}
