//! Reconnects after a lost connection and continues where it ended.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use orochi_protocol::incoming::AckPayload;
use orochi_protocol::request::{Conflict, Register, Resume};
use orochi_protocol::{ErrorCode, Seq};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::{End, TURN_MAX, Task};
use crate::error::Error;
use crate::session::{self, Socket};
use crate::state::State;

/// The longest wait that a hub can request before the next try.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

impl Task {
    /// Tries to connect until it succeeds, the program closes the client, or the hub refuses for good.
    pub(super) async fn come_back(&mut self, why: String) -> Result<(), End> {
        if !self.options.reconnect || self.is_old_hub() {
            return Err(End::Lost(why));
        }
        tracing::info!(agent = %self.options.name, reason = %why, "connection lost; coming back");
        self.state.send_replace(State::Reconnecting);
        self.caught_up.send_replace(false);
        // Another connection that registered the name meanwhile stays: only the program's own connect replaces others.
        let conflict = match self.options.register.conflict {
            Conflict::Replace => Conflict::Join,
            conflict @ (Conflict::Join | Conflict::Refuse) => conflict,
        };
        let mut register = Register { conflict, ..self.resuming() };
        self.backoff.connection_lasted(self.connected_at.elapsed());
        // The least wait that the hub requested before the next register.
        let mut wait_min = Duration::ZERO;
        loop {
            let wait = self.backoff.next().max(wait_min);
            wait_min = Duration::ZERO;
            self.meanwhile(tokio::time::sleep(wait)).await?;
            // Copies, because requests of the program may change them meanwhile.
            let (options, asked) = (self.options.clone(), register.clone());
            match self.meanwhile(session::open(&options, &asked)).await? {
                Ok((socket, ack)) => {
                    self.resume(socket, ack);
                    return Ok(());
                }
                Err(error @ Error::AuthFailed { .. }) => return Err(End::Refused(error)),
                Err(Error::Refused { code, .. }) if is_beyond_log(&code) && has_seqs(&register) => {
                    // The log is older than what this client has seen, because a backup was restored.
                    register.resume = Some(Resume::Stored);
                    register.joined.clear();
                    self.options.register.joined.clear();
                    self.last_seq = Seq::ZERO;
                }
                Err(error) if is_final(&error) => return Err(End::Refused(error)),
                Err(error) => {
                    wait_min = error.retry_after().unwrap_or_default().min(RETRY_AFTER_MAX);
                    tracing::debug!(%error, "not back yet");
                }
            }
        }
    }

    /// Waits for `work`, but returns early if the program closes the client. New requests are kept until the connection
    /// is back.
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

    /// Continues on a new connection. Unanswered requests are sent again under the same ids.
    fn resume(&mut self, socket: Socket, ack: AckPayload) {
        (self.sink, self.stream) = socket.split();
        self.to_send = self.outstanding.again().into_iter().map(Message::Text).collect();
        self.needs_flush = false;
        (self.refetch, self.is_overflowed) = (None, false);
        // The last report may have been lost with the connection.
        self.said_seen = Seq::ZERO;
        if ack.resumed == Some(false) {
            // This is another log. Its seqs have no relation to the received ones.
            self.last_seq = Seq::ZERO;
            self.options.register.joined.clear();
            self.finished.store(0, Ordering::Relaxed);
        }
        self.epoch.send_replace(ack.epoch);
        self.set_heartbeat(ack.heartbeat);
        (self.last_heard, self.connected_at) = (Instant::now(), Instant::now());
        self.state.send_replace(State::Connected);
    }

    /// The register that continues at this client's position.
    pub(super) fn resuming(&self) -> Register {
        let is_hubs_affair = self.options.register.resume == Some(Resume::Stored) && self.last_seq < self.first_head;
        let resume = if is_hubs_affair { Resume::Stored } else { Resume::After(self.last_seq) };
        let mut register =
            Register { resume: Some(resume), epoch: self.epoch.borrow().clone(), ..self.options.register.clone() };
        if is_hubs_affair && self.keeps_channels {
            // The hub knows the start of each channel.
            register.channels = None;
        }
        register
    }
}

/// Returns whether another try can't help.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Refused { code, retry_after, .. } => retry_after.is_none() && *code != ErrorCode::NameInUse.as_str(),
        Error::AuthFailed { .. } | Error::Invalid(_) | Error::OldHub { .. } | Error::Closed => true,
        Error::Unreachable { .. } | Error::ConnectionLost { .. } => false,
    }
}

/// Returns whether a register names seqs of the log.
fn has_seqs(register: &Register) -> bool {
    register.resume != Some(Resume::Stored) || !register.joined.is_empty()
}

/// Returns whether a register was refused because its position belongs to a newer log. Early hubs answered
/// INVALID_FIELD.
fn is_beyond_log(code: &str) -> bool {
    [ErrorCode::ResumeBeyond, ErrorCode::InvalidField].iter().any(|beyond| beyond.as_str() == code)
}
