//! Opens one connection and registers on it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::ready;

use futures_util::stream::SplitSink;
use futures_util::{Sink, SinkExt, StreamExt};
use orochi_protocol::incoming::{AckPayload, ErrorPayload, ServerFrame};
use orochi_protocol::limits::FRAME_BYTES_MAX;
use orochi_protocol::request::Register;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use uuid::Uuid;

use crate::error::Error;
use crate::options::Options;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The largest frame that is accepted. An answer has up to 1000 rows of history, and a query of large messages must not
/// end the connection.
const ANSWER_BYTES_MAX: usize = 512 * FRAME_BYTES_MAX;

/// Connects and registers. Frames after the ack stay in the socket.
pub(crate) async fn open(options: &Options, register: &Register) -> Result<(Socket, AckPayload), Error> {
    let unreachable = |reason: String| Error::Unreachable { url: options.url.clone(), reason };
    if options.url.starts_with("wss://") {
        return Err(unreachable("wss:// is not supported; put a TLS proxy beside the agent and use ws://".to_owned()));
    }
    let opened = timeout(options.connect_timeout, async {
        let config = WebSocketConfig::default()
            .max_message_size(Some(ANSWER_BYTES_MAX))
            .max_frame_size(Some(ANSWER_BYTES_MAX))
            .read_buffer_size(32 * 1024);
        let (mut socket, _) = connect_async_with_config(options.address(), Some(config), true)
            .await
            .map_err(|error| unreachable(reason(&error)))?;
        let ack = introduce(&mut socket, options, register).await?;
        Ok((socket, ack))
    });
    let seconds = options.connect_timeout.as_secs_f64();
    opened.await.map_err(|_| unreachable(format!("no answer within {seconds} s")))?
}

/// The `register` frame.
pub(crate) fn register_frame(name: &str, id: &str, register: &Register) -> String {
    frame("register", name, id, register)
}

/// One request frame.
pub(crate) fn frame<T: Serialize>(kind: &str, sender: &str, id: &str, payload: &T) -> String {
    #[derive(Serialize)]
    struct Frame<'a, T> {
        r#type: &'a str,
        sender: &'a str,
        id: &'a str,
        payload: &'a T,
    }
    serde_json::to_string(&Frame { r#type: kind, sender, id, payload }).expect("payloads have text keys")
}

async fn introduce(socket: &mut Socket, options: &Options, register: &Register) -> Result<AckPayload, Error> {
    let lost = |reason: String| Error::ConnectionLost { url: options.url.clone(), reason };
    let id = Uuid::now_v7().to_string();
    let register = register_frame(&options.name, &id, register);
    // A hub that refuses the token may have closed already. Its error can still be read.
    let _ = socket.send(Message::text(register)).await;
    loop {
        let text = match socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => return Err(lost("the hub closed it".to_owned())),
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Err(lost(reason(&error))),
        };
        let Ok(frame) = serde_json::from_str::<ServerFrame<'_>>(&text) else { continue };
        let payload = frame.payload.map_or("{}", |payload| payload.get());
        match &*frame.r#type {
            "ack" => return serde_json::from_str(payload).map_err(|error| lost(error.to_string())),
            "error" => {
                let error: ErrorPayload = serde_json::from_str(payload).map_err(|error| lost(error.to_string()))?;
                return Err(match error.code.as_str() {
                    "AUTH_FAILED" => Error::AuthFailed { url: options.url.clone() },
                    _ => Error::refused(error),
                });
            }
            // Accepting this message would lose it: only the ack says where the delivery begins.
            "message" if frame.seq.is_some() => {
                return Err(lost("a message arrived before the register's ack".to_owned()));
            }
            _ => {}
        }
    }
}

/// The text of a WebSocket error for people.
pub(crate) fn reason(error: &WsError) -> String {
    match error {
        WsError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        WsError::Io(error) => error.to_string(),
        WsError::Http(response) => format!("it answered HTTP {}: is this the agent port?", response.status()),
        other => other.to_string(),
    }
}

/// Writes the queue and flushes. It may be dropped at any point: frames that are not written yet stay in `queue`.
pub(crate) async fn pump(sink: &mut SplitSink<Socket, Message>, queue: &mut VecDeque<Message>) -> Result<(), WsError> {
    std::future::poll_fn(|context| {
        let mut sink = Pin::new(&mut *sink);
        while !queue.is_empty() {
            ready!(sink.as_mut().poll_ready(context))?;
            if let Some(message) = queue.pop_front() {
                sink.as_mut().start_send(message)?;
            }
        }
        sink.as_mut().poll_flush(context)
    })
    .await
}
