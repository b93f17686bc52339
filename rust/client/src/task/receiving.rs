//! Handles frames from the hub: answers go to their requests, everything else into the inbox.

use futures_util::SinkExt;
use orochi_protocol::incoming::{AckPayload, ErrorPayload, Said, ServerFrame};
use orochi_protocol::request::{Conflict, Register};
use orochi_protocol::{CloseCode, ErrorCode, HUB_SENDER};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};
use uuid::Uuid;

use super::{CLOSE_MAX, Command, End, Task};
use crate::inbox::Incoming;
use crate::session::{self, reason};

impl Task {
    pub(super) async fn take_in(&mut self, incoming: Option<Result<Message, WsError>>) -> Result<(), End> {
        self.last_heard = Instant::now();
        match incoming {
            Some(Ok(Message::Text(text))) => self.take_frame(&text).await,
            Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == CloseCode::Replaced.as_u16() => {
                Err(End::Refused(self.lost("another connection took this name over".to_owned())))
            }
            Some(Ok(Message::Close(close))) => {
                if close.as_ref().is_some_and(|close| u16::from(close.code) == CloseCode::TooBig.as_u16()) {
                    // If it were sent again, it would end the next connection too.
                    self.outstanding.fail_largest();
                }
                // A stopping hub waits for the answer to its close.
                let _ = timeout(CLOSE_MAX, self.sink.close()).await;
                let why = close.map_or(String::new(), |close| format!(": {} {}", u16::from(close.code), close.reason));
                Err(End::Lost(format!("the hub closed it{why}")))
            }
            // tungstenite answers a ping with its next write.
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
            tracing::warn!("the hub sent an invalid frame; ignored");
            return Ok(());
        };
        let payload = frame.payload.map_or("{}", |payload| payload.get());
        match (&*frame.r#type, frame.payload) {
            ("ack", _) => {
                let ack: AckPayload = serde_json::from_str(payload).unwrap_or_default();
                if self.refetch.as_ref().is_some_and(|id| *id == ack.r#ref) {
                    // The messages that were left in the log follow.
                    (self.refetch, self.is_overflowed) = (None, false);
                }
                self.backoff.carried();
                if let Some((change, head)) = self.outstanding.ack(ack) {
                    change.apply(&mut self.options.register, head);
                }
                Ok(())
            }
            ("error", _) => match serde_json::from_str::<ErrorPayload>(payload) {
                Ok(error) => self.take_error(error, text),
                Err(_) => Ok(()),
            },
            ("caught_up", _) if frame.sender == HUB_SENDER => {
                if !self.is_overflowed {
                    self.caught_up.send_replace(true);
                }
                Ok(())
            }
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
        if error.code == ErrorCode::SessionReplaced.as_str() {
            return Err(End::Refused(self.lost(error.detail)));
        }
        if self.refetch.is_some() && self.refetch == error.r#ref {
            tracing::warn!(code = error.code, detail = error.detail, "the hub refused to send the rest; trying again");
            self.refetch = None;
            return Ok(());
        }
        let is_about_none = error.r#ref.is_none() && !self.is_old_hub();
        if is_about_none || !self.outstanding.error(error) {
            // As in 0.1.0's client, an error without a request goes to the consumer.
            self.inbox.push(Incoming::new(text.clone(), None));
        }
        Ok(())
    }

    /// Adds a frame to the inbox: each message once and in order.
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
            self.backoff.carried();
        } else {
            tracing::warn!(agent = %self.options.name, "the inbox is full; further messages stay in the hub's log");
            self.is_overflowed = true;
            self.caught_up.send_replace(false);
        }
        Ok(())
    }

    /// Waits while the inbox is full, without reading from the hub: a 0.1.0 hub stores nothing for this agent.
    async fn keep_of_old_hub(&mut self, frame: Incoming) -> Result<(), End> {
        while !self.inbox.push(frame.clone()) {
            tokio::select! {
                () = self.inbox.drained.notified() => {}
                command = self.requests.recv() => match command {
                    None => return Err(End::Closed),
                    Some(close @ Command::Close(_)) => {
                        self.apply(&mut vec![close]);
                        return Err(End::Closed);
                    }
                    Some(Command::Request(request)) => {
                        let reason = "its inbox is full and nobody listens, so answers can't be read".to_owned();
                        request.caller.answer(Err(self.lost(reason)));
                    }
                },
            }
        }
        Ok(())
    }

    /// Fetches everything after the last accepted message from the hub's log, once there is room again.
    pub(super) fn fetch_rest(&mut self) {
        if !self.is_overflowed || self.refetch.is_some() || self.is_old_hub() || !self.inbox.has_room() {
            return;
        }
        if self.outstanding.is_changing() {
            // A register names all channels, so it would undo an unanswered subscribe. The answer arrives soon.
            return;
        }
        let id = Uuid::now_v7().to_string();
        // This register must not replace other connections of the name.
        let register = Register { conflict: Conflict::Join, ..self.resuming() };
        let register = session::register_frame(&self.options.name, &id, &register);
        self.to_send.push_back(Message::text(register));
        self.refetch = Some(id);
    }
}
