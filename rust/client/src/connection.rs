//! One connection to a hub: it opens and registers, and then carries frames both ways.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::ready;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, StreamExt};
use orochi_protocol::ErrorCode;
use orochi_protocol::incoming::{AckPayload, ErrorPayload, ServerFrame};
use orochi_protocol::limits::FRAME_BYTES_MAX;
use orochi_protocol::request::Register;
use tokio::net::TcpStream;
use tokio::time::{Instant, Interval, MissedTickBehavior, timeout};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use uuid::Uuid;

use crate::error::Error;
use crate::frames::register_frame;
use crate::options::Options;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The largest frame that is accepted. An answer has up to 1000 rows of history, and a query of large messages must not
/// end the connection.
const ANSWER_BYTES_MAX: usize = 512 * FRAME_BYTES_MAX;
/// Heartbeats without any frame from the hub before it counts as silent. Each heartbeat is acked; a 0.1.0 hub pings
/// every 20 s.
const SILENT_HEARTBEATS: u32 = 3;
/// The interval for a hub that does not send one.
const HEARTBEAT_SECONDS: u32 = 20;

/// A registered connection.
pub(crate) struct Connection {
    sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    /// Frames to write, oldest first.
    to_send: VecDeque<Message>,
    /// True until the flush is done: an empty queue does not mean that a flush has finished.
    needs_flush: bool,
    heartbeat: Interval,
    opened_at: Instant,
    last_heard: Instant,
    /// It carried an answer or a message.
    has_carried: bool,
}

/// Something that happened on a connection.
pub(crate) enum Event {
    /// A frame arrived.
    Frame(Utf8Bytes),
    /// The hub closes the connection.
    Closing(Option<CloseFrame>),
    /// The connection broke, for this reason.
    Broken(String),
    /// Everything queued is written.
    Written,
    /// A heartbeat is due.
    HeartbeatDue,
}

impl Connection {
    /// Connects and registers. Frames after the ack stay in the socket.
    pub(crate) async fn open(options: &Options, register: &Register) -> Result<(Self, AckPayload), Error> {
        let unreachable = |reason: String| Error::Unreachable { url: options.url.clone(), reason };
        if options.url.starts_with("wss://") {
            let reason = "wss:// is not supported; put a TLS proxy beside the agent and use ws://";
            return Err(unreachable(reason.to_owned()));
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
            Ok((Self::new(socket, ack.heartbeat), ack))
        });
        let seconds = options.connect_timeout.as_secs_f64();
        opened.await.map_err(|_| unreachable(format!("no answer within {seconds} s")))?
    }

    fn new(socket: Socket, heartbeat_seconds: Option<u32>) -> Self {
        let (sink, stream) = socket.split();
        let seconds = heartbeat_seconds.unwrap_or(HEARTBEAT_SECONDS).max(1);
        Self {
            sink,
            stream,
            to_send: VecDeque::new(),
            needs_flush: false,
            heartbeat: interval(Duration::from_secs(u64::from(seconds))),
            opened_at: Instant::now(),
            last_heard: Instant::now(),
            has_carried: false,
        }
    }

    /// Queues a frame behind the others.
    pub(crate) fn send(&mut self, frame: impl Into<Utf8Bytes>) {
        self.to_send.push_back(Message::Text(frame.into()));
    }

    /// Returns whether everything queued was given to the socket.
    pub(crate) fn has_sent_all(&self) -> bool {
        self.to_send.is_empty()
    }

    /// Waits for the next event, and writes queued frames meanwhile. Reads while it waits to write: a hub that is busy
    /// writing to this client may not be reading from it. Cancelling loses nothing.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            self.needs_flush |= !self.to_send.is_empty();
            tokio::select! {
                incoming = self.stream.next() => {
                    self.last_heard = Instant::now();
                    match incoming {
                        Some(Ok(Message::Text(text))) => return Event::Frame(text),
                        Some(Ok(Message::Close(close))) => return Event::Closing(close),
                        // tungstenite answers a ping with its next write.
                        Some(Ok(Message::Ping(_))) => self.needs_flush = true,
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Event::Broken(reason(&error)),
                        None => return Event::Broken("the hub closed it".to_owned()),
                    }
                }
                written = pump(&mut self.sink, &mut self.to_send), if self.needs_flush => {
                    self.needs_flush = false;
                    return match written {
                        Ok(()) => Event::Written,
                        Err(error) => Event::Broken(reason(&error)),
                    };
                }
                _ = self.heartbeat.tick() => return Event::HeartbeatDue,
            }
        }
    }

    /// Notes that the connection carried an answer or a message.
    pub(crate) fn carried(&mut self) {
        self.has_carried = true;
    }

    /// Returns whether it carried an answer or a message.
    pub(crate) fn has_carried(&self) -> bool {
        self.has_carried
    }

    /// The time since its register.
    pub(crate) fn lasted(&self) -> Duration {
        self.opened_at.elapsed()
    }

    /// Returns whether the hub has sent nothing for too long.
    pub(crate) fn is_silent(&self) -> bool {
        self.last_heard.elapsed() > self.heartbeat.period() * SILENT_HEARTBEATS
    }

    /// Answers the hub's close, for at most `limit`. A stopping hub waits for it.
    pub(crate) async fn answer_close(&mut self, limit: Duration) {
        // The connection is over, with or without an answer.
        let _ = timeout(limit, self.sink.close()).await;
    }

    /// Writes what is queued and closes, for at most `limit`.
    pub(crate) async fn close(&mut self, limit: Duration) {
        let closing = timeout(limit, async {
            pump(&mut self.sink, &mut self.to_send).await?;
            self.sink.close().await?;
            while let Some(Ok(_)) = self.stream.next().await {}
            Ok::<(), WsError>(())
        });
        if !matches!(closing.await, Ok(Ok(()))) {
            tracing::debug!("the hub did not answer the close");
        }
    }
}

/// Ticks every `every`, the first time after that time. A late tick delays the ones after it.
pub(crate) fn interval(every: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + every, every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
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
                let is_about_token = error.code == ErrorCode::AuthFailed;
                return Err(if is_about_token {
                    Error::AuthFailed { url: options.url.clone() }
                } else {
                    Error::refused(error)
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
fn reason(error: &WsError) -> String {
    match error {
        WsError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        WsError::Io(error) => error.to_string(),
        WsError::Http(response) => format!("it answered HTTP {}: is this the agent port?", response.status()),
        other => other.to_string(),
    }
}

/// Writes the queue and flushes. It may be dropped at any point: frames that are not written yet stay in `queue`.
async fn pump(sink: &mut SplitSink<Socket, Message>, queue: &mut VecDeque<Message>) -> Result<(), WsError> {
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
