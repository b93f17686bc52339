//! A hub whose frames a test sends one by one.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use orochi_client::{Client, Options, Outgoing};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::frames;

pub const DEADLINE: Duration = Duration::from_secs(20);

/// Returns the result, or fails the test if it does not come in time.
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("this should have happened by now")
}

pub struct Hub(TcpListener);

impl Hub {
    pub async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    pub fn options(&self) -> Options {
        Options::new(format!("ws://{}", self.0.local_addr().expect("bound")), "alice")
    }

    /// Returns a client and the hub's side of its connection.
    pub async fn client(&self) -> (Client, Peer) {
        let (client, peer) = tokio::join!(Client::connect(self.options()), self.accept());
        (client.expect("accepted"), peer)
    }

    /// Accepts the next connection and its register.
    pub async fn accept(&self) -> Peer {
        let mut peer = self.accept_silent().await;
        let register = peer.expect("register").await;
        peer.ack(&register).await;
        peer
    }

    /// Accepts the next connection, without answering its register.
    pub async fn accept_silent(&self) -> Peer {
        let (stream, _) = within(self.0.accept()).await.expect("a connection");
        Peer(within(accept_async(stream)).await.expect("a WebSocket"))
    }
}

/// The hub's side of one connection.
pub struct Peer(pub WebSocketStream<TcpStream>);

impl Peer {
    /// The next frame of this type. Heartbeats before it are answered.
    pub async fn expect(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
            assert_eq!(frame["type"], "heartbeat", "instead of {kind}");
            self.ack(&frame).await;
        }
    }

    pub async fn next(&mut self) -> Value {
        frames::from_client(&self.next_text().await)
    }

    /// The text of the next frame: an old hub accepts some that the protocol's page does not have.
    pub async fn next_text(&mut self) -> String {
        let frame = within(self.0.next()).await.expect("the client is there").expect("a frame");
        frame.to_text().expect("text").to_owned()
    }

    pub async fn ack_with(&mut self, request: &Value, more: Value) {
        let mut payload = json!({ "status": "ok", "ref": request["id"] });
        payload.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.send(json!({ "type": "ack", "sender": "orochi-server", "payload": payload })).await;
    }

    pub async fn ack(&mut self, request: &Value) {
        let mut payload = json!({ "status": "ok", "ref": request["id"], "seq": 0 });
        if request["type"] == "register" {
            payload["epoch"] = "e".into();
            payload["heartbeat"] = 3600.into();
        }
        self.send(json!({ "type": "ack", "sender": "orochi-server", "payload": payload })).await;
    }

    pub async fn refuse(&mut self, request: &Value, code: &str) {
        let payload = json!({ "code": code, "detail": "no", "ref": request["id"] });
        self.send(json!({ "type": "error", "sender": "orochi-server", "payload": payload })).await;
    }

    pub async fn message(&mut self, seq: u64, content: &str) {
        let payload = json!({ "channel": "#general", "content": content });
        self.send(json!({ "type": "message", "sender": "bob", "payload": payload, "seq": seq })).await;
    }

    pub async fn send(&mut self, frame: Value) {
        within(self.0.send(Message::text(frame.to_string()))).await.expect("the client is there");
    }
}

pub fn message(content: impl Into<String>) -> Outgoing {
    Outgoing { channel: "#general".into(), content: content.into(), metadata: None, reply_to: None, id: None }
}
