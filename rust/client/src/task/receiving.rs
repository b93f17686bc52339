//! Handles frames from the hub: answers go to their requests, everything else into the inbox.

use orochi_protocol::incoming::{AckPayload, ErrorPayload, Said, ServerFrame};
use orochi_protocol::{CloseCode, ErrorCode, HUB_SENDER};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use uuid::Uuid;

use super::{CLOSE_MAX, Command, End, Task};
use crate::dialect::UnnamedError;
use crate::frames::register_frame;
use crate::inbox::Incoming;

impl Task {
    /// Handles the hub's close. Returns how the connection ended.
    pub(super) async fn closed_by_hub(&mut self, close: Option<CloseFrame>) -> End {
        match close.as_ref().and_then(|close| CloseCode::from_u16(close.code.into())) {
            Some(CloseCode::Replaced) => {
                return End::Final(self.lost("another connection took this name over".to_owned()));
            }
            // If the frame were sent again, it would end the next connection too.
            Some(CloseCode::TooBig) => self.outstanding.fail_largest(),
            Some(CloseCode::GoingAway | CloseCode::AuthFailed | CloseCode::Silent | CloseCode::TooSlow) | None => {}
        }
        self.connection.answer_close(CLOSE_MAX).await;
        let why = close.map_or(String::new(), |close| format!(": {} {}", u16::from(close.code), close.reason));
        End::Lost(format!("the hub closed it{why}"))
    }

    pub(super) async fn take_frame(&mut self, text: &Utf8Bytes) -> Result<(), End> {
        let Ok(frame) = serde_json::from_str::<ServerFrame<'_>>(text) else {
            tracing::warn!("the hub sent an invalid frame; ignored");
            return Ok(());
        };
        let payload = frame.payload.map_or("{}", |payload| payload.get());
        match (&*frame.r#type, frame.payload) {
            ("ack", _) => {
                let ack: AckPayload = serde_json::from_str(payload).unwrap_or_default();
                self.resumption.acked(&ack.r#ref);
                self.connection.carried();
                if let Some((change, head)) = self.outstanding.ack(ack) {
                    self.resumption.apply(change, head);
                }
                Ok(())
            }
            ("error", _) => match serde_json::from_str::<ErrorPayload>(payload) {
                Ok(error) => self.take_error(error, text),
                Err(_) => Ok(()),
            },
            ("caught_up", _) if frame.sender == HUB_SENDER => {
                if !self.resumption.is_overflowed() {
                    self.reports.set_caught_up(true);
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
        if error.code == ErrorCode::SessionReplaced {
            return Err(End::Final(self.lost(error.detail)));
        }
        if error.r#ref.as_ref().is_some_and(|id| self.resumption.refused(id)) {
            tracing::warn!(code = %error.code, detail = error.detail, "the hub refused to send the rest; trying again");
            return Ok(());
        }
        let is_answer = match (&error.r#ref, self.dialect.unnamed_error()) {
            (None, UnnamedError::Consumer) => false,
            (None, UnnamedError::OldestRequest) | (Some(_), _) => self.outstanding.error(error),
        };
        if !is_answer {
            // As in 0.1.0's client, an error without a request goes to the consumer.
            self.inbox.push(Incoming::new(text.clone(), None));
        }
        Ok(())
    }

    /// Adds a frame to the inbox: each message once and in order.
    async fn keep(&mut self, frame: Incoming) -> Result<(), End> {
        let Some(seq) = frame.seq else {
            if !self.dialect.has_log() {
                return self.keep_or_wait(frame).await;
            }
            if !self.resumption.is_overflowed() && !self.inbox.push(frame) {
                self.resumption.overflowed();
            }
            return Ok(());
        };
        if !self.resumption.wants(seq) {
            return Ok(());
        }
        if self.inbox.push(frame) {
            self.resumption.accepted(seq);
            self.connection.carried();
        } else {
            tracing::warn!(agent = %self.options.name, "the inbox is full; further messages stay in the hub's log");
            self.resumption.overflowed();
            self.reports.set_caught_up(false);
        }
        Ok(())
    }

    /// Waits while the inbox is full, without reading from the hub, which stores nothing for this agent.
    async fn keep_or_wait(&mut self, frame: Incoming) -> Result<(), End> {
        while !self.inbox.push(frame.clone()) {
            tokio::select! {
                () = self.inbox.drained.notified() => {}
                command = self.commands.recv() => match command {
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
        if !self.resumption.has_left_some() || !self.dialect.has_log() || !self.inbox.has_room() {
            return;
        }
        if self.outstanding.is_changing() {
            // A register names all channels, so it would undo an unanswered subscribe. The answer arrives soon.
            return;
        }
        let id = Uuid::now_v7().to_string();
        let register = self.resumption.fetch(&id);
        self.connection.send(register_frame(&self.options.name, &id, &register));
    }
}
