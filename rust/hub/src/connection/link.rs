//! A WebSocket and its outbox: everything that agents' and observers' connections share.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::{FutureExt, SinkExt, StreamExt};
use orochi_protocol::limits::FRAME_BYTES_MAX;
use orochi_protocol::reply::ErrorReply;
use orochi_protocol::request::read_id;
use orochi_protocol::{CloseCode, ErrorCode, Refusal, Seq};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, sleep, timeout, timeout_at};

use super::life::Life;
use super::progress::{self, Patience, Taken};
use super::wire::{close_frame, close_frame_after, is_too_big, readable_text};
use crate::core::{Command, ConnectionId, Core, stray_frame};
use crate::delivery::catch_up;
use crate::delivery::outbox::{Feed, Item, KEPT_ITEMS, Next, Outbox};
use crate::frame::Frame;
use crate::markdown::Rendering;
use crate::ports::Peer;

/// The longest wait for a peer that does not read its close frame, and of a peer for the answer to its own.
pub(super) const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Bytes written before the socket is flushed. A large number lets one system call carry many frames.
const CHUNK_BYTES: usize = 64 * 1024;
/// The distance to the head at which a connection that is behind requests to go live.
const NEAR_HEAD: u64 = 512;

/// Running calls to other hosts for one connection; with this many, it is not read. Each one holds a frame's text, and
/// a slow host does not handle more than eight at a time.
const CALLS_MAX: usize = 8;

/// Requests read while another one waits that should end with its connection. This is enough to see a close behind the
/// requests that a client usually sends together.
const AHEAD_MAX: usize = 8;

/// The connection has ended; nothing more can be read or written.
#[derive(Debug)]
pub(super) struct Ended;

pub(crate) struct Link {
    pub(super) core: Core,
    pub(super) id: ConnectionId,
    pub(super) outbox: Arc<Outbox>,
    /// The core may have replies for this connection. Then replies made here go through the core too, which keeps all
    /// of them in the order of the requests.
    pub(super) is_registered: bool,
    /// The form of messages that an observer requested. They are rendered in the connection's own task.
    pub(super) rendering: Rendering,
    socket: WebSocket,
    taken: Vec<Item>,
    /// Requests that were read during a wait.
    ahead: VecDeque<Message>,
    peer: Peer,
    patience: Patience,
    ping: Interval,
    life: Life,
    /// Elapses when the peer may have been silent for too long.
    silence: Pin<Box<Sleep>>,
    /// Permits for calls to other hosts.
    calls: Arc<Semaphore>,
    /// Resolves with a close code when the connection has to end; None afterwards.
    end: Option<Pin<Box<dyn Future<Output = CloseCode> + Send>>>,
}

impl Link {
    /// Boxed, because futures that hold a link would have room for it several times.
    pub(crate) fn new(core: Core, socket: WebSocket, peer: Peer, patience: Patience) -> Box<Self> {
        let mut ping = tokio::time::interval_at(Instant::now() + patience.ping_every, patience.ping_every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stopped = {
            let core = core.clone();
            async move {
                core.stopped().await;
                CloseCode::GoingAway
            }
        };
        Box::new(Self {
            id: core.new_connection(),
            outbox: Arc::new(Outbox::default()),
            is_registered: false,
            rendering: Rendering::Plain,
            core,
            socket,
            taken: Vec::new(),
            ahead: VecDeque::new(),
            peer,
            patience,
            ping,
            life: Life::new(patience),
            silence: Box::pin(sleep(patience.silent)),
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            end: Some(stopped.boxed()),
        })
    }

    /// Does the same, and closes the connection with `code` when `over` resolves.
    pub(crate) fn until(
        mut self: Box<Self>,
        over: impl Future<Output = ()> + Send + 'static,
        code: CloseCode,
    ) -> Box<Self> {
        let before = self.end.take();
        let end = async move {
            tokio::select! {
                () = over => code,
                code = or_never(before) => code,
            }
        };
        self.end = Some(end.boxed());
        self
    }

    /// Returns the next request. Meanwhile writes the outbox, reads the log while behind, and sends pings.
    pub(super) async fn next_request(&mut self) -> Result<Utf8Bytes, Ended> {
        loop {
            let is_busy = self.serve_outbox().await?;
            let may_read = self.may_read();
            if may_read && let Some(message) = self.ahead.pop_front() {
                if let Some(text) = self.take_in(Some(Ok(message))).await? {
                    return Ok(text);
                }
                continue;
            }
            tokio::select! {
                biased;
                incoming = self.socket.next(), if may_read => {
                    if let Some(text) = self.take_in(incoming).await? {
                        return Ok(text);
                    }
                }
                // More frames can be written at once. This branch comes after reading, so requests are read in between.
                () = std::future::ready(()), if is_busy => {}
                () = self.outbox.ready() => {}
                _ = self.ping.tick() => self.ping().await?,
                () = self.silence.as_mut() => self.check_silence().await?,
                code = or_never(self.end.as_mut()) => {
                    self.end = None;
                    self.outbox.close(code);
                }
            }
        }
    }

    /// Waits for `work`, and cancels it if the peer leaves. Requests that arrive meanwhile are kept for
    /// [`Link::next_request`].
    pub(super) async fn while_open<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let mut work = std::pin::pin!(work);
        loop {
            let may_read = self.ahead.len() < AHEAD_MAX;
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                incoming = self.socket.next(), if may_read => match incoming {
                    Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                        self.life.heard(self.peer.read());
                        self.ahead.push_back(message);
                    }
                    other => drop(self.take_in(other).await?),
                },
                _ = self.ping.tick(), if may_read => self.ping().await?,
            }
        }
    }

    /// Tells the core that the connection has ended. Answers the peer's close frame once the core has handled that: who
    /// has the answer is offline for everybody. A disk that is stuck delays the answer by at most [`CLOSE_MAX`], also
    /// if the core has no room for the command.
    pub(super) async fn leave(mut self: Box<Self>) {
        let (core, id) = (self.core.clone(), self.id);
        // A core that has stopped no longer knows the connection.
        let disconnect = || core.send(Command::Disconnect(id));
        if !self.outbox.has_goodbye() {
            let _ = disconnect().await;
            return;
        }
        let until = Instant::now() + CLOSE_MAX;
        let is_told = timeout_at(until, disconnect()).await.is_ok();
        if is_told {
            let _ = timeout_at(until, core.barrier()).await;
        }
        self.answer_close().await;
        // Many clients wait until the socket is closed, too.
        drop(self);
        if !is_told {
            let _ = disconnect().await;
        }
    }

    /// Answers the peer's close frame, if it sent one.
    pub(super) async fn answer_close(&mut self) {
        if self.outbox.has_goodbye() {
            // tungstenite answers the close with its next write. It fails if the hub closed first.
            let _ = timeout(CLOSE_MAX, self.socket.close()).await;
        }
    }

    /// Reserves one call to another host. The call drops the permit before it replies, because the reply wakes the
    /// connection to read again.
    pub(super) fn room_for_call(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.calls).try_acquire_owned().map_err(|_| {
            let detail = format!("{CALLS_MAX} calls of this connection are running: try again when one has ended");
            Refusal::new(ErrorCode::GiteaBusy, detail)
        })
    }

    /// Answers a request with these frames, after the replies to earlier requests.
    pub(super) async fn reply(&mut self, frames: Vec<Frame>) {
        if !self.is_registered {
            return self.outbox.replies(frames);
        }
        let command = Command::Reply { connection: self.id, frames };
        // A stopped core has sent all its replies. The connection is about to be closed.
        let _ = self.core.send(command).await;
    }

    pub(super) async fn refuse(&mut self, refusal: &Refusal, id: Option<&str>) {
        self.reply(vec![stray_frame("error", &ErrorReply::new(refusal, id))]).await;
    }

    /// Writes the outbox, or reads a page of the log. Returns true if there may be more to do at once.
    async fn serve_outbox(&mut self) -> Result<bool, Ended> {
        let mut taken = std::mem::take(&mut self.taken);
        let next = self.outbox.take(&mut taken);
        let busy = match next {
            Next::Write => self.write(&mut taken).await.map(|()| true),
            // Boxed like all rare work, so that its memory is not part of every connection's future.
            Next::Read(position) => Box::pin(self.read_log(position)).await.map(|()| true),
            Next::Wait => Ok(false),
            Next::Close(code) => {
                self.close(code).await;
                Err(Ended)
            }
        };
        if taken.capacity() <= KEPT_ITEMS {
            self.taken = taken;
        }
        busy
    }

    async fn write(&mut self, items: &mut Vec<Item>) -> Result<(), Ended> {
        let mut items = items.drain(..).peekable();
        while items.peek().is_some() {
            let mut bytes = 0;
            let mut last_seq = None;
            let chunk = async {
                while let Some(item) = items.next_if(|_| bytes < CHUNK_BYTES) {
                    let frame = if item.seq.is_some() { self.rendering.frame(item.frame) } else { item.frame };
                    bytes += frame.len();
                    last_seq = item.seq.or(last_seq);
                    self.socket.feed(Message::Text(frame.into())).await?;
                }
                self.socket.flush().await
            };
            let Patience { stuck, .. } = self.patience;
            match progress::wait(&self.peer, chunk, stuck).await {
                Taken::Whole { output: Ok(()), slowly } => {
                    if slowly {
                        // We did not read during the write; accepted bytes prove the peer is alive.
                        self.life.heard(self.peer.read());
                    }
                }
                Taken::Whole { output: Err(_), .. } => return Err(Ended),
                Taken::Stuck => {
                    tracing::info!(connection = self.id.0, "closed: it read nothing for {stuck:?}");
                    self.close(CloseCode::TooSlow).await;
                    return Err(Ended);
                }
            }
            if let Some(seq) = last_seq {
                self.outbox.set_written(seq);
            }
            if self.rendering == Rendering::Html {
                // A long rendering yields between its parts, so that other tasks of this thread can run.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// Reads and writes one page of the log. Near the head, requests to go live.
    async fn read_log(&mut self, position: Seq) -> Result<(), Ended> {
        // Take the head before the interest: later changes of the interest concern only messages after this head.
        let head = self.core.head();
        let Some(interest) = self.outbox.interest() else { return Ok(()) };
        let mut page = match catch_up::read_page(self.core.reads(), position, head, interest).await {
            Ok(page) => page,
            Err(error) => {
                // The agent resumes from its last message when it comes back.
                tracing::error!(%error, connection = self.id.0, "closed: the log can't be read");
                self.close(CloseCode::GoingAway).await;
                return Err(Ended);
            }
        };
        self.write(&mut page.items).await?;
        self.outbox.set_written(page.position);
        if !self.outbox.advance(page.position) {
            return Ok(());
        }
        if self.core.head().get() - page.position.get() <= NEAR_HEAD {
            self.outbox.set_feed(Feed::Asked);
            self.core.caught_up(self.id, page.position);
        }
        Ok(())
    }

    /// Handles one WebSocket message. Returns the text of a request.
    async fn take_in(&mut self, incoming: Option<Result<Message, axum::Error>>) -> Result<Option<Utf8Bytes>, Ended> {
        self.life.heard(self.peer.read());
        match incoming {
            Some(Ok(message)) if is_too_big(&message) => Box::pin(self.refuse_too_big(&message)).await,
            Some(Ok(Message::Text(text))) => Ok(Some(text)),
            Some(Ok(Message::Binary(bytes))) => {
                let text = Utf8Bytes::try_from(bytes).ok();
                if text.is_none() {
                    let detail = "the binary frame is not UTF-8: send JSON text";
                    Box::pin(self.refuse(&Refusal::new(ErrorCode::ParseError, detail), None)).await;
                }
                Ok(text)
            }
            // tungstenite answers a ping with its next write.
            Some(Ok(Message::Ping(_))) => self.flush().await.map(|()| None),
            Some(Ok(Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Close(_))) => {
                self.outbox.note_goodbye();
                Err(Ended)
            }
            None => Err(Ended),
            Some(Err(error)) => {
                if let Some(frame) = close_frame_after(&error) {
                    Box::pin(self.close_with(frame)).await;
                }
                Err(Ended)
            }
        }
    }

    /// Closes a connection because of a frame over the limit. An agent first gets an error that names the request.
    async fn refuse_too_big(&mut self, message: &Message) -> Result<Option<Utf8Bytes>, Ended> {
        if self.is_registered
            && let Some(text) = readable_text(message)
        {
            let detail = format!("the frame has {} bytes: at most {FRAME_BYTES_MAX}", text.len());
            let id = read_id(text);
            self.refuse(&Refusal::new(ErrorCode::TooLarge, detail), id.as_deref()).await;
            // The reply is in the outbox after the second of these turns of the core.
            for _ in 0..2 {
                let _ = self.core.barrier().await;
            }
            self.outbox.close(CloseCode::TooBig);
            return Ok(None);
        }
        self.close(CloseCode::TooBig).await;
        Err(Ended)
    }

    /// Returns whether more requests may be read: not while too many replies, requests or calls are waiting.
    fn may_read(&self) -> bool {
        !self.outbox.is_full() && !self.outbox.asks_too_much() && self.calls.available_permits() > 0
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        match progress::wait(&self.peer, self.socket.flush(), self.patience.stuck).await {
            Taken::Whole { output: Ok(()), .. } => Ok(()),
            Taken::Whole { output: Err(_), .. } | Taken::Stuck => Err(Ended),
        }
    }

    /// Closes the connection if it was silent for too long; otherwise sets the next check.
    async fn check_silence(&mut self) -> Result<(), Ended> {
        let Patience { silent, ping_every, .. } = self.patience;
        if self.may_read() && self.life.is_over(self.peer.read()) {
            tracing::info!(connection = self.id.0, "closed: silent for {silent:?}");
            self.close(CloseCode::Silent).await;
            return Err(Ended);
        }
        // Wait at least a moment: the check may be due although the connection can't be read or was not pinged.
        let next = self.life.due().max(Instant::now() + ping_every / 20);
        self.silence.as_mut().reset(next);
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Ended> {
        self.life.pinged();
        match self.socket.feed(Message::Ping(bytes::Bytes::new())).await {
            Ok(()) => self.flush().await,
            Err(_) => Err(Ended),
        }
    }

    async fn close(&mut self, code: CloseCode) {
        Box::pin(self.close_with(close_frame(code))).await;
    }

    async fn close_with(&mut self, frame: Message) {
        // If the peer does not read its close frame, the socket is closed anyway.
        let _ = timeout(CLOSE_MAX, async {
            self.socket.send(frame).await?;
            while let Some(Ok(message)) = self.socket.next().await {
                if matches!(message, Message::Close(_)) {
                    self.outbox.note_goodbye();
                }
            }
            Ok::<(), axum::Error>(())
        })
        .await;
    }
}

async fn or_never<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
