//! The task that owns the connection. It sends requests, matches answers, fills the inbox, sends heartbeats, and
//! reconnects.
//!
//! `receiving`: frames from the hub. `returning`: a new connection after a lost one.

mod receiving;
mod returning;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Interval;
use uuid::Uuid;

use crate::connection::{Connection, Event, interval};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::frames::frame;
use crate::inbox::Inbox;
use crate::options::Options;
use crate::outstanding::{Outstanding, Request};
use crate::reconnect::Reconnect;
use crate::resumption::Resumption;
use crate::seen::{Finished, Seen};
use crate::state::{Reported, Reports};

/// Requests handled in one turn.
const TURN_MAX: usize = 256;
/// The interval at which the hub learns what the consumer has handled.
const SEEN_EVERY: Duration = Duration::from_millis(200);
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
    /// The client has to be closed, for this error.
    Final(Error),
}

pub(crate) struct Task {
    options: Arc<Options>,
    dialect: Dialect,
    /// The program's requests, in the order of its calls.
    commands: mpsc::UnboundedReceiver<Command>,
    outstanding: Outstanding,
    /// The current connection, or the lost one until there is another.
    connection: Connection,
    inbox: Arc<Inbox>,
    resumption: Resumption,
    seen: Seen,
    reports: Reports,
    reconnect: Box<dyn Reconnect>,
    /// The longest time for the last close handshake.
    goodbye_max: Duration,
}

/// The handle's parts that the task also has.
pub(crate) struct Handles {
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) finished: Finished,
}

impl Task {
    /// Connects and registers. Returns the task, which has to run, and what it reports.
    pub(crate) async fn open(
        options: Options,
        reconnect: Box<dyn Reconnect>,
        handles: Handles,
    ) -> Result<(Self, Reported), Error> {
        let (connection, ack) = Connection::open(&options, &options.register).await?;
        let dialect = Dialect::of(&ack);
        let is_live = options.register.resume.is_none() || !dialect.has_log();
        let (reports, reported) = Reports::new(&ack, is_live);
        let Handles { commands, inbox, finished } = handles;
        let task = Self {
            dialect,
            commands,
            outstanding: Outstanding::default(),
            connection,
            inbox,
            resumption: Resumption::new(options.register.clone(), &ack),
            seen: Seen::new(finished, options.say_seen),
            reports,
            reconnect,
            goodbye_max: CLOSE_MAX,
            options: Arc::new(options),
        };
        Ok((task, reported))
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Runs until the program closes the client, or the client gives up.
    pub(crate) async fn run(mut self) {
        let mut seen = interval(SEEN_EVERY);
        let end = loop {
            match self.carry(&mut seen).await {
                End::Closed => break None,
                End::Final(error) => break Some(error),
                End::Lost(reason) => match self.come_back(reason).await {
                    Ok(()) => {}
                    Err(End::Closed) => break None,
                    Err(End::Final(error)) => break Some(error),
                    Err(End::Lost(reason)) => break Some(self.lost(reason)),
                },
            }
        };
        if end.is_none() {
            self.commands.close();
            self.say_goodbye().await;
        }
        let error = end.clone().unwrap_or(Error::Closed);
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            self.apply(&mut vec![command]);
        }
        self.outstanding.fail(&error);
        self.inbox.close(end);
        self.reports.closed();
    }

    /// Carries frames both ways until the connection ends.
    async fn carry(&mut self, seen: &mut Interval) -> End {
        let mut commands = Vec::with_capacity(TURN_MAX);
        loop {
            if self.connection.has_sent_all() {
                for frame in std::iter::from_fn(|| self.outstanding.next()).take(TURN_MAX) {
                    self.connection.send(frame);
                }
            }
            let inbox = Arc::clone(&self.inbox);
            tokio::select! {
                event = self.connection.event() => {
                    if let Err(end) = self.handle(event).await {
                        return end;
                    }
                }
                // Always receive commands: a close must work, however slowly the hub reads.
                count = self.commands.recv_many(&mut commands, TURN_MAX) => {
                    if count == 0 {
                        return End::Closed;
                    }
                    if let Some(end) = self.apply(&mut commands) {
                        return end;
                    }
                }
                _ = seen.tick() => {
                    if self.connection.is_silent() {
                        return End::Lost("the hub is silent".to_owned());
                    }
                    self.say_seen();
                    // Try again: the hub may have refused the last fetch.
                    self.fetch_rest();
                }
                () = inbox.drained.notified(), if self.resumption.is_overflowed() => self.fetch_rest(),
            }
        }
    }

    async fn handle(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Frame(text) => self.take_frame(&text).await,
            Event::Closing(close) => Err(self.closed_by_hub(close).await),
            Event::Broken(reason) => Err(End::Lost(reason)),
            Event::Written => Ok(()),
            Event::HeartbeatDue => {
                self.send_heartbeat();
                Ok(())
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
        if self.dialect.has_log() && self.seen.due().is_some() {
            self.send_heartbeat();
        }
    }

    fn send_heartbeat(&mut self) {
        let due = self.seen.due().filter(|_| self.dialect.has_log());
        let payload = due.map_or_else(|| json!({}), |seq| json!({ "seen": seq }));
        if let Some(seq) = due {
            self.seen.report(seq);
        }
        let id = Uuid::now_v7().to_string();
        // Nobody waits for this ack. It is not among the outstanding requests, so it is ignored.
        self.connection.send(frame("heartbeat", &self.options.name, &id, &payload));
    }

    /// Reports what the consumer has handled, and closes.
    async fn say_goodbye(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            self.apply(&mut vec![command]);
        }
        for frame in self.outstanding.last_words() {
            self.connection.send(frame);
        }
        self.say_seen();
        self.connection.close(self.goodbye_max).await;
    }

    fn lost(&self, reason: String) -> Error {
        Error::ConnectionLost { url: self.options.url.clone(), reason }
    }
}
