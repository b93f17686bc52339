//! The task that owns the connection: it sends requests, matches answers, fills the inbox, gives signs of
//! life, and makes the connection anew when it is lost.
//!
//! What makes delivery exact: every message has a seq, the task takes each seq once and in order, and asks
//! for what follows the last one it took whenever it may have missed something: after a lost connection,
//! and after its inbox was full.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use orochi_protocol::incoming::{AckPayload, ErrorPayload, Said, ServerFrame};
use orochi_protocol::request::{Conflict, Register, Resume};
use orochi_protocol::{HUB_SENDER, Seq};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};
use uuid::Uuid;

use crate::backoff;
use crate::client::State;
use crate::error::Error;
use crate::inbox::{Inbox, Incoming};
use crate::options::Options;
use crate::outstanding::{Outstanding, Request};
use crate::session::{self, Socket, frame, pump, reason};

/// Requests that one turn takes.
const TURN_MAX: usize = 256;
/// How soon the hub is told what the consumer has finished with.
const SEEN_EVERY: Duration = Duration::from_millis(200);
/// The hub pings every 20 s: one that is silent for so long is gone.
const SILENT_MAX: Duration = Duration::from_secs(75);
/// How long a close may take.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// What the handle asks of the task.
#[derive(Debug)]
pub(crate) enum Command {
    /// A request to send.
    Request(Request),
    /// Close; the state tells when it is done.
    Close,
}

/// Why a connection is over.
enum End {
    /// The program closed it.
    Closed,
    /// It was lost, and may come back.
    Lost(String),
    /// The hub will not have it back.
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
    /// The hub's database; None of a 0.1.0 hub.
    epoch: Option<String>,
    /// The last message that went into the inbox, or where the hub was told to begin.
    last_seq: Seq,
    /// The log's head at the first register: up to there a `"stored"` start is the hub's affair.
    first_head: Seq,
    /// Set while the inbox has no room: messages are left in the hub's log.
    is_overflowed: bool,
    /// The register that asks for what was left there.
    refetch: Option<String>,
    said_seen: Seq,
    heartbeat: Interval,
    last_heard: Instant,
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
        let (sink, stream) = socket.split();
        let first_head = ack.seq.unwrap_or_default();
        let last_seq = match options.register.resume {
            None => first_head,
            Some(Resume::After(seq)) if ack.resumed == Some(true) => seq,
            Some(_) => Seq::ZERO,
        };
        Ok(Self {
            heartbeat: interval(Duration::from_secs(u64::from(ack.heartbeat.unwrap_or(20).max(1)))),
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
            epoch: ack.epoch,
            last_seq,
            first_head,
            is_overflowed: false,
            refetch: None,
            said_seen: Seq::ZERO,
            last_heard: Instant::now(),
        })
    }

    pub(crate) fn is_old_hub(&self) -> bool {
        self.epoch.is_none()
    }

    /// Runs until the program closes the client, or the hub will not have it back.
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

    /// Carries frames both ways until the connection is over. Reading goes on while writing waits: a hub
    /// that is busy writing to this client may not be reading from it.
    async fn carry(&mut self, seen: &mut Interval) -> End {
        let mut commands = Vec::with_capacity(TURN_MAX);
        loop {
            if self.to_send.is_empty() {
                let next = std::iter::from_fn(|| self.outstanding.next()).take(TURN_MAX);
                self.to_send.extend(next.map(Message::Text));
            }
            // Until it is done: a flush that was begun is not done because the queue is empty.
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
                // Always: a close must be heard, however slowly the hub reads.
                count = self.requests.recv_many(&mut commands, TURN_MAX) => {
                    if count == 0 {
                        return End::Closed;
                    }
                    if let Some(end) = self.apply(&mut commands) {
                        return end;
                    }
                }
                _ = self.heartbeat.tick() => {
                    if self.last_heard.elapsed() > SILENT_MAX {
                        return End::Lost("the hub is silent".to_owned());
                    }
                    self.send_heartbeat();
                }
                _ = seen.tick() => {
                    self.say_seen();
                    // The hub may have refused the last time.
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
                Command::Close => end = Some(End::Closed),
            }
        }
        end
    }

    async fn take_in(&mut self, incoming: Option<Result<Message, WsError>>) -> Result<(), End> {
        self.last_heard = Instant::now();
        match incoming {
            Some(Ok(Message::Text(text))) => self.take_frame(&text).await,
            Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == 4009 => {
                Err(End::Refused(self.lost("another connection took this name over".to_owned())))
            }
            Some(Ok(Message::Close(close))) => {
                // A hub that stops waits for the answer to its close.
                let _ = timeout(CLOSE_MAX, self.sink.close()).await;
                let why = close.map_or(String::new(), |close| format!(": {} {}", u16::from(close.code), close.reason));
                Err(End::Lost(format!("the hub closed it{why}")))
            }
            // tungstenite answers pings with the next write.
            Some(Ok(Message::Ping(_))) => {
                self.needs_flush = true;
                Ok(())
            }
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(End::Lost(reason(&error))),
            None => Err(End::Lost("the hub closed it".to_owned())),
        }
    }

    async fn take_frame(&mut self, text: &Utf8Bytes) -> Result<(), End> {
        let Ok(frame) = serde_json::from_str::<ServerFrame<'_>>(text) else {
            tracing::warn!("the hub sent a frame that is not one; ignored");
            return Ok(());
        };
        let payload = frame.payload.map_or("{}", |payload| payload.get());
        match (&*frame.r#type, frame.payload) {
            ("ack", _) => {
                let ack: AckPayload = serde_json::from_str(payload).unwrap_or_default();
                if self.refetch.as_ref().is_some_and(|id| *id == ack.r#ref) {
                    // What follows is what was left in the log.
                    (self.refetch, self.is_overflowed) = (None, false);
                }
                if let Some((change, head)) = self.outstanding.ack(ack) {
                    change.apply(&mut self.options.register, head);
                }
                Ok(())
            }
            ("error", _) => match serde_json::from_str::<ErrorPayload>(payload) {
                Ok(error) => self.take_error(error, text),
                Err(_) => Ok(()),
            },
            ("message", Some(raw)) if frame.sender == HUB_SENDER && frame.seq.is_none() => {
                self.outstanding.data("message", raw);
                Ok(())
            }
            (kind @ ("presence" | "gitea_result" | "receipts"), Some(raw)) if self.outstanding.data(kind, raw) => {
                Ok(())
            }
            ("message", Some(raw)) => {
                let incoming = Incoming::new(text.clone(), frame.seq);
                let said: Result<Said<'_>, _> = serde_json::from_str(raw.get());
                self.keep(match said {
                    Ok(said) => incoming.with_places([&frame.sender, &said.channel, &said.content]),
                    Err(_) => incoming,
                })
                .await
            }
            _ => self.keep(Incoming::new(text.clone(), frame.seq)).await,
        }
    }

    fn take_error(&mut self, error: ErrorPayload, text: &Utf8Bytes) -> Result<(), End> {
        if error.code == "SESSION_REPLACED" {
            return Err(End::Refused(self.lost(error.detail)));
        }
        if self.refetch.is_some() && self.refetch == error.r#ref {
            tracing::warn!(code = error.code, detail = error.detail, "the hub refused to send the rest; asking again");
            self.refetch = None;
            return Ok(());
        }
        let is_about_none = error.r#ref.is_none() && !self.is_old_hub();
        if is_about_none || !self.outstanding.error(error) {
            // Like 0.1.0's client: an error that is nobody's is for the listener.
            self.inbox.push(Incoming::new(text.clone(), None));
        }
        Ok(())
    }

    /// Puts a frame into the inbox: each message once and in order.
    async fn keep(&mut self, frame: Incoming) -> Result<(), End> {
        let Some(seq) = frame.seq else {
            if self.is_old_hub() {
                return self.keep_of_old_hub(frame).await;
            }
            if !self.is_overflowed && !self.inbox.push(frame) {
                self.is_overflowed = true;
            }
            return Ok(());
        };
        if self.is_overflowed || seq <= self.last_seq {
            return Ok(());
        }
        if self.inbox.push(frame) {
            self.last_seq = seq;
        } else {
            tracing::warn!(agent = %self.options.name, "nobody takes messages; the rest stays in the hub's log");
            self.is_overflowed = true;
        }
        Ok(())
    }

    /// A 0.1.0 hub keeps nothing for this agent: a full inbox is waited for, and the hub is not read meanwhile.
    async fn keep_of_old_hub(&mut self, frame: Incoming) -> Result<(), End> {
        while !self.inbox.push(frame.clone()) {
            tokio::select! {
                () = self.inbox.drained.notified() => {}
                command = self.requests.recv() => match command {
                    None => return Err(End::Closed),
                    Some(Command::Close) => return Err(End::Closed),
                    Some(Command::Request(request)) => {
                        let reason = "its inbox is full and nobody listens, so answers can't be read".to_owned();
                        let _ = request.answer.send(Err(self.lost(reason)));
                    }
                },
            }
        }
        Ok(())
    }

    /// There is room again: asks the hub for everything after the last message that was kept.
    fn fetch_rest(&mut self) {
        if !self.is_overflowed || self.refetch.is_some() || self.is_old_hub() || !self.inbox.has_room() {
            return;
        }
        if self.outstanding.is_changing() {
            // A register names all channels: it would undo a subscribe that is before it. Soon it is known.
            return;
        }
        let id = Uuid::now_v7().to_string();
        // This connection goes on, whoever else has the name by now.
        let register = Register { conflict: Conflict::Join, ..self.resuming() };
        let register = session::register_frame(&self.options.name, &id, &register);
        self.to_send.push_back(Message::text(register));
        self.refetch = Some(id);
    }

    /// The register that goes on where this client is.
    fn resuming(&self) -> Register {
        let is_hubs_affair = self.options.register.resume == Some(Resume::Stored) && self.last_seq < self.first_head;
        let resume = if is_hubs_affair { Resume::Stored } else { Resume::After(self.last_seq) };
        Register { resume: Some(resume), epoch: self.epoch.clone(), ..self.options.register.clone() }
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
        // Nobody waits for its ack; it is not among the outstanding, and its ack is passed over.
        self.to_send.push_back(Message::text(frame("heartbeat", &self.options.name, &id, &payload)));
    }

    /// Tries to connect until it works, the program closes the client, or the hub refuses for good.
    async fn come_back(&mut self, why: String) -> Result<(), End> {
        if !self.options.reconnect || self.is_old_hub() {
            return Err(End::Lost(why));
        }
        tracing::info!(agent = %self.options.name, reason = %why, "connection lost; coming back");
        self.state.send_replace(State::Reconnecting);
        let mut register = self.resuming();
        for attempt in 0.. {
            self.meanwhile(tokio::time::sleep(backoff::delay(attempt, backoff::chance()))).await?;
            // Copies, as what the program asks meanwhile may change them.
            let (options, asked) = (self.options.clone(), register.clone());
            match self.meanwhile(session::open(&options, &asked)).await? {
                Ok((socket, ack)) => {
                    self.resume(socket, ack);
                    return Ok(());
                }
                Err(error @ Error::AuthFailed { .. }) => return Err(End::Refused(error)),
                Err(Error::Refused { code, .. })
                    if code == "INVALID_FIELD" && register.resume != Some(Resume::Stored) =>
                {
                    // The log is older than what this client has seen: a backup was restored.
                    register.resume = Some(Resume::Stored);
                    self.last_seq = Seq::ZERO;
                }
                Err(error) if is_final(&error) => return Err(End::Refused(error)),
                Err(error) => tracing::debug!(%error, attempt, "not back yet"),
            }
        }
        Ok(())
    }

    /// Does something that takes time; ends early when the program closes the client. Requests that come are
    /// kept, to be sent once the connection is back.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = std::pin::pin!(work);
        let mut commands = Vec::with_capacity(TURN_MAX);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                count = self.requests.recv_many(&mut commands, TURN_MAX) => {
                    if count == 0 {
                        return Err(End::Closed);
                    }
                    if let Some(end) = self.apply(&mut commands) {
                        return Err(end);
                    }
                }
            }
        }
    }

    /// A new connection carries on: what was not answered is sent again, under the same ids.
    fn resume(&mut self, socket: Socket, ack: AckPayload) {
        (self.sink, self.stream) = socket.split();
        self.to_send = self.outstanding.again().into_iter().map(Message::Text).collect();
        self.needs_flush = false;
        (self.refetch, self.is_overflowed) = (None, false);
        // The last word on it may have been lost with the connection.
        self.said_seen = Seq::ZERO;
        if ack.resumed == Some(false) {
            // Another log: its seqs say nothing about what was received before.
            self.last_seq = Seq::ZERO;
            self.options.register.joined.clear();
            self.finished.store(0, Ordering::Relaxed);
        }
        self.epoch = ack.epoch;
        self.last_heard = Instant::now();
        self.state.send_replace(State::Connected);
    }

    /// Tells what the consumer has finished with, and closes.
    async fn say_goodbye(&mut self) {
        while let Ok(command) = self.requests.try_recv() {
            self.apply(&mut vec![command]);
        }
        self.to_send.extend(self.outstanding.last_words().into_iter().map(Message::Text));
        self.say_seen();
        let closing = timeout(CLOSE_MAX, async {
            pump(&mut self.sink, &mut self.to_send).await?;
            self.sink.close().await?;
            while let Some(Ok(_)) = self.stream.next().await {}
            Ok::<(), WsError>(())
        });
        if !matches!(closing.await, Ok(Ok(()))) {
            tracing::debug!("the hub did not answer the close");
        }
    }

    fn lost(&self, reason: String) -> Error {
        Error::ConnectionLost { url: self.options.url.clone(), reason }
    }
}

/// Whether trying again can't help.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Refused { code, retry_after, .. } => retry_after.is_none() && code != "NAME_IN_USE",
        Error::AuthFailed { .. } | Error::Invalid(_) | Error::OldHub { .. } | Error::Closed => true,
        Error::Unreachable { .. } | Error::ConnectionLost { .. } | Error::Timeout { .. } => false,
    }
}

fn interval(every: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + every, every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
