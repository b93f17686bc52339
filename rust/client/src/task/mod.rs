//! The task that owns the connection. It sends requests, matches answers, fills the inbox, sends heartbeats, and
//! reconnects.
//!
//! Delivery is exact because every message has a seq, and the task accepts each seq once and in order. Whenever it may
//! have missed something, after a lost connection or a full inbox, it requests everything after the last accepted seq.
//!
//! `receiving`: frames from the hub. `returning`: a new connection after a lost one.

mod receiving;
mod returning;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use orochi_protocol::incoming::AckPayload;
use orochi_protocol::request::{Register, Resume};
use orochi_protocol::{ChannelName, Seq};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::error::Error;
use crate::inbox::Inbox;
use crate::options::Options;
use crate::outstanding::{Outstanding, Request};
use crate::session::{self, Socket, frame, pump, reason};
use crate::state::State;

/// Requests handled in one turn.
const TURN_MAX: usize = 256;
/// The interval at which the hub learns what the consumer has handled.
const SEEN_EVERY: Duration = Duration::from_millis(200);
/// Heartbeats without any frame from the hub before it counts as silent. Each heartbeat is acked; a 0.1.0 hub pings
/// every 20 s.
const SILENT_HEARTBEATS: u32 = 3;
/// The interval for a hub that does not send one.
const HEARTBEAT_SECONDS: u32 = 20;
/// The longest time for a close.
pub(crate) const CLOSE_MAX: Duration = Duration::from_secs(2);

/// A command from the handle to the task.
#[derive(Debug)]
pub(crate) enum Command {
    /// A request to send.
    Request(Request),
    /// Close the connection. The close handshake takes at most this long; the state changes when it is done.
    Close(Duration),
}

/// The reason why a connection ended.
enum End {
    /// The program closed it.
    Closed,
    /// The connection was lost; the client may reconnect.
    Lost(String),
    /// The hub refused the client for good.
    Refused(Error),
}

pub(crate) struct Task {
    options: Options,
    requests: mpsc::UnboundedReceiver<Command>,
    state: watch::Sender<State>,
    inbox: Arc<Inbox>,
    finished: Arc<AtomicU64>,
    sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    to_send: VecDeque<Message>,
    needs_flush: bool,
    outstanding: Outstanding,
    /// The log's epoch; None from a 0.1.0 hub.
    epoch: watch::Sender<Option<String>>,
    /// The seq of the last message in the inbox, or the seq after which the delivery begins.
    last_seq: Seq,
    /// The log's head at the first register. Up to this seq, the hub decides what a `"stored"` start delivers.
    first_head: Seq,
    /// The first register named no channels, so the hub provides them.
    keeps_channels: bool,
    /// The inbox is full, so messages stay in the hub's log.
    is_overflowed: bool,
    /// The id of the register that fetches those messages.
    refetch: Option<String>,
    said_seen: Seq,
    heartbeat: Interval,
    last_heard: Instant,
    backoff: Backoff,
    connected_at: Instant,
    goodbye_max: Duration,
    /// Everything missed is in the inbox.
    caught_up: watch::Sender<bool>,
}

impl Task {
    pub(crate) async fn open(
        options: Options,
        requests: mpsc::UnboundedReceiver<Command>,
        state: watch::Sender<State>,
        inbox: Arc<Inbox>,
        finished: Arc<AtomicU64>,
    ) -> Result<Self, Error> {
        let (socket, ack) = session::open(&options, &options.register).await?;
        let mut options = options;
        let keeps_channels = take_kept_channels(&mut options.register, &ack);
        let (sink, stream) = socket.split();
        let first_head = ack.seq.unwrap_or_default();
        let last_seq = match options.register.resume {
            None => first_head,
            Some(Resume::After(seq)) if ack.resumed == Some(true) => seq,
            Some(_) => Seq::ZERO,
        };
        // A 0.1.0 hub stores nothing that could be missed.
        let is_live = options.register.resume.is_none() || ack.epoch.is_none();
        Ok(Self {
            heartbeat: heartbeat(ack.heartbeat),
            options,
            requests,
            state,
            inbox,
            finished,
            sink,
            stream,
            to_send: VecDeque::new(),
            needs_flush: false,
            outstanding: Outstanding::default(),
            keeps_channels,
            epoch: watch::Sender::new(ack.epoch),
            last_seq,
            first_head,
            is_overflowed: false,
            refetch: None,
            said_seen: Seq::ZERO,
            last_heard: Instant::now(),
            backoff: Backoff::default(),
            connected_at: Instant::now(),
            goodbye_max: CLOSE_MAX,
            caught_up: watch::Sender::new(is_live),
        })
    }

    /// A receiver for the log's epoch, now and after each reconnect.
    pub(crate) fn epoch(&self) -> watch::Receiver<Option<String>> {
        self.epoch.subscribe()
    }

    pub(crate) fn is_old_hub(&self) -> bool {
        self.epoch.borrow().is_none()
    }

    /// A receiver that reports when everything missed is in the inbox.
    pub(crate) fn caught_up(&self) -> watch::Receiver<bool> {
        self.caught_up.subscribe()
    }

    /// Runs until the program closes the client, or the hub refuses it for good.
    pub(crate) async fn run(mut self) {
        let mut seen = interval(SEEN_EVERY);
        let end = loop {
            match self.carry(&mut seen).await {
                End::Closed => break None,
                End::Refused(error) => break Some(error),
                End::Lost(reason) => match self.come_back(reason).await {
                    Ok(()) => {}
                    Err(End::Closed) => break None,
                    Err(End::Refused(error)) => break Some(error),
                    Err(End::Lost(reason)) => break Some(self.lost(reason)),
                },
            }
        };
        if end.is_none() {
            self.requests.close();
            self.say_goodbye().await;
        }
        let error = end.clone().unwrap_or(Error::Closed);
        self.requests.close();
        while let Ok(command) = self.requests.try_recv() {
            self.apply(&mut vec![command]);
        }
        self.outstanding.fail(&error);
        self.inbox.close(end);
        self.state.send_replace(State::Closed);
    }

    /// Carries frames both ways until the connection ends. Reads while it waits to write: a hub that is busy writing to
    /// this client may not be reading from it.
    async fn carry(&mut self, seen: &mut Interval) -> End {
        let mut commands = Vec::with_capacity(TURN_MAX);
        loop {
            if self.to_send.is_empty() {
                let next = std::iter::from_fn(|| self.outstanding.next()).take(TURN_MAX);
                self.to_send.extend(next.map(Message::Text));
            }
            // Set until the flush is done: an empty queue does not mean that a flush has finished.
            self.needs_flush |= !self.to_send.is_empty();
            let inbox = Arc::clone(&self.inbox);
            tokio::select! {
                incoming = self.stream.next() => {
                    if let Err(end) = self.take_in(incoming).await {
                        return end;
                    }
                }
                written = pump(&mut self.sink, &mut self.to_send), if self.needs_flush => {
                    self.needs_flush = false;
                    if let Err(error) = written {
                        return End::Lost(reason(&error));
                    }
                }
                // Always receive commands: a close must work, however slowly the hub reads.
                count = self.requests.recv_many(&mut commands, TURN_MAX) => {
                    if count == 0 {
                        return End::Closed;
                    }
                    if let Some(end) = self.apply(&mut commands) {
                        return end;
                    }
                }
                _ = self.heartbeat.tick() => self.send_heartbeat(),
                _ = seen.tick() => {
                    if self.last_heard.elapsed() > self.heartbeat.period() * SILENT_HEARTBEATS {
                        return End::Lost("the hub is silent".to_owned());
                    }
                    self.say_seen();
                    // Try again: the hub may have refused the last fetch.
                    self.fetch_rest();
                }
                () = inbox.drained.notified(), if self.is_overflowed => self.fetch_rest(),
            }
        }
    }

    fn apply(&mut self, commands: &mut Vec<Command>) -> Option<End> {
        let mut end = None;
        for command in commands.drain(..) {
            match command {
                Command::Request(request) => self.outstanding.add(request),
                Command::Close(limit) => {
                    self.goodbye_max = self.goodbye_max.min(limit);
                    end = Some(End::Closed);
                }
            }
        }
        end
    }

    fn say_seen(&mut self) {
        let finished = Seq::new(self.finished.load(Ordering::Relaxed)).unwrap_or(Seq::MAX);
        if self.options.say_seen && finished > self.said_seen && !self.is_old_hub() {
            self.send_heartbeat();
        }
    }

    fn send_heartbeat(&mut self) {
        let finished = Seq::new(self.finished.load(Ordering::Relaxed)).unwrap_or(Seq::MAX);
        let is_new = self.options.say_seen && !self.is_old_hub() && finished > self.said_seen;
        let payload = if is_new { json!({ "seen": finished }) } else { json!({}) };
        if is_new {
            self.said_seen = finished;
        }
        let id = Uuid::now_v7().to_string();
        // Nobody waits for this ack. It is not among the outstanding requests, so it is ignored.
        self.to_send.push_back(Message::text(frame("heartbeat", &self.options.name, &id, &payload)));
    }

    /// Reports what the consumer has handled, and closes.
    async fn say_goodbye(&mut self) {
        while let Ok(command) = self.requests.try_recv() {
            self.apply(&mut vec![command]);
        }
        self.to_send.extend(self.outstanding.last_words().into_iter().map(Message::Text));
        self.say_seen();
        let closing = timeout(self.goodbye_max, async {
            pump(&mut self.sink, &mut self.to_send).await?;
            self.sink.close().await?;
            while let Some(Ok(_)) = self.stream.next().await {}
            Ok::<(), WsError>(())
        });
        if !matches!(closing.await, Ok(Ok(()))) {
            tracing::debug!("the hub did not answer the close");
        }
    }

    fn set_heartbeat(&mut self, seconds: Option<u32>) {
        self.heartbeat = heartbeat(seconds);
    }

    fn lost(&self, reason: String) -> Error {
        Error::ConnectionLost { url: self.options.url.clone(), reason }
    }
}

fn heartbeat(seconds: Option<u32>) -> Interval {
    interval(Duration::from_secs(u64::from(seconds.unwrap_or(HEARTBEAT_SECONDS).max(1))))
}

/// Stores the channels that the hub keeps for the name, if the register named none. A new connection joins them, with
/// the changes that the program makes meanwhile. Returns whether this was done.
fn take_kept_channels(register: &mut Register, ack: &AckPayload) -> bool {
    if register.channels.is_some() {
        return false;
    }
    let names = ack.channels.iter().flatten().filter_map(|name| ChannelName::parse(name).ok());
    register.channels = Some(names.collect());
    true
}

fn interval(every: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + every, every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
