//! Requests that wait for their answer: the data frame, where there is one, then the ack (docs/protocol.md,
//! section 3). A 0.1.0 hub's data frames and many of its errors name no request: they belong to the oldest
//! that waits for such a frame.

use std::collections::VecDeque;

use orochi_protocol::incoming::{AckPayload, ErrorPayload};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::client::Answer;
use crate::error::Error;

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Request {
    /// Its id, which its ack names.
    pub(crate) id: String,
    /// Its type.
    pub(crate) kind: String,
    /// Its frame, to send again after a lost connection.
    pub(crate) frame: String,
    /// The answer's data, once it came.
    pub(crate) data: Option<Box<RawValue>>,
    /// Who waits. Gone where the waiting was cancelled.
    pub(crate) answer: oneshot::Sender<Result<Answer, Error>>,
}

impl Request {
    /// The type of the frame that comes before its ack.
    fn data_kind(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "presence" => Some("presence"),
            "query" => Some("message"),
            "gitea" => Some("gitea_result"),
            "receipts" => Some("receipts"),
            _ => None,
        }
    }
}

/// The requests that were sent and not answered, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Outstanding(VecDeque<Request>);

impl Outstanding {
    pub(crate) fn add(&mut self, request: Request) {
        self.0.push_back(request);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A data frame came. Gives it back where no request waits for it.
    pub(crate) fn data(&mut self, kind: &str, payload: &RawValue) -> bool {
        let waiting = self.0.iter_mut().find(|request| request.data.is_none() && request.data_kind() == Some(kind));
        let Some(request) = waiting else { return false };
        request.data = Some(payload.to_owned());
        true
    }

    /// An ack came.
    pub(crate) fn ack(&mut self, ack: AckPayload) {
        if let Some(request) = self.take(&ack.r#ref) {
            // Nobody waits where the caller was cancelled.
            let _ = request.answer.send(Ok(Answer { ack, data: request.data }));
        }
    }

    /// An error came. False where it belongs to no request.
    pub(crate) fn error(&mut self, error: ErrorPayload) -> bool {
        let request = match &error.r#ref {
            Some(id) => self.take(id),
            // 0.1.0 answers in order, so it is about the oldest.
            None => self.0.pop_front(),
        };
        let Some(request) = request else { return false };
        let _ = request.answer.send(Err(Error::refused(error)));
        true
    }

    /// Every request's frame, to send again on a new connection. Data that came for one is asked anew.
    pub(crate) fn again(&mut self) -> Vec<String> {
        self.0.retain(|request| !request.answer.is_closed() || request.kind == "message");
        self.0.iter_mut().for_each(|request| request.data = None);
        self.0.iter().map(|request| request.frame.clone()).collect()
    }

    /// Fails all of them.
    pub(crate) fn fail(&mut self, error: &Error) {
        for request in self.0.drain(..) {
            let _ = request.answer.send(Err(error.clone()));
        }
    }

    fn take(&mut self, id: &str) -> Option<Request> {
        // The answer is nearly always the oldest's.
        let at = self.0.iter().position(|request| request.id == id)?;
        self.0.remove(at)
    }
}
