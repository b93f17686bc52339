//! Requests that wait for their answer: the data frame, if there is one, then the ack (docs/protocol.md, section 3).
//! Both name their request. A 0.1.0 hub's data frames and many of its errors do not: they belong to the oldest request
//! that waits for such a frame.

use std::collections::VecDeque;

use orochi_protocol::incoming::{AckPayload, AnswerTo, ErrorPayload};
use orochi_protocol::request::Register;
use orochi_protocol::{ChannelName, CloseCode, ErrorCode, Reach, Refusal, Seq};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::error::Error;

/// The change that a request makes to the agent's register once the hub has acked it.
#[derive(Debug)]
pub(crate) enum Change {
    Join(ChannelName),
    Leave(ChannelName),
    Reach(Reach),
}

impl Change {
    /// Applies the change. The hub acked when the log's head was `head`, so a new connection joins the same channels
    /// without their earlier messages.
    pub(crate) fn apply(self, register: &mut Register, head: Option<Seq>) {
        match self {
            Change::Join(channel) if register.channels().contains(&channel) => {}
            Change::Join(channel) => {
                register.joined.extend(head.map(|head| (channel.clone(), head)));
                register.channels.get_or_insert_default().push(channel);
            }
            Change::Leave(channel) => {
                register.channels.get_or_insert_default().retain(|known| *known != channel);
                register.joined.remove(&channel);
            }
            Change::Reach(reach) => register.reach = Some(reach),
        }
    }
}

/// A request that is not answered yet.
#[derive(Debug)]
pub(crate) struct Request {
    /// The request's id, which its ack names.
    pub(crate) id: String,
    pub(crate) kind: String,
    /// The request's frame, kept to send it again after a lost connection. The bytes are shared with the sent ones.
    pub(crate) frame: Utf8Bytes,
    /// The change to the register of a new connection, made by the ack.
    pub(crate) change: Option<Change>,
    /// The answer's data, once received.
    pub(crate) data: Option<Box<RawValue>>,
    pub(crate) caller: Caller,
}

impl Request {
    /// The type of the data frame that comes before the ack.
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

/// Requests that may be sent without an answer.
const SENT_MAX: usize = 4096;
/// From this number of waiting requests on, cancelled ones are removed.
const SWEEP_MIN: usize = 1024;

/// The unanswered requests, oldest first. A request cancelled before it was written is dropped, so there are never many
/// more requests than callers.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    sent: VecDeque<Request>,
    waiting: VecDeque<Request>,
    sweep_at: usize,
}

impl Outstanding {
    /// Queues a request behind the others.
    pub(crate) fn add(&mut self, request: Request) {
        self.waiting.push_back(request);
        if self.waiting.len() >= self.sweep_at.max(SWEEP_MIN) {
            self.waiting.retain(|request| !request.caller.is_gone());
            // Twice the remaining number, so that sweeping costs a constant for each request.
            self.sweep_at = self.waiting.len() * 2;
        }
    }

    /// Returns whether a frame may be sent.
    pub(crate) fn has_next(&self) -> bool {
        !self.waiting.is_empty() && self.sent.len() < SENT_MAX
    }

    /// The next frame to send.
    pub(crate) fn next(&mut self) -> Option<Utf8Bytes> {
        while self.has_next() {
            let request = self.waiting.pop_front()?;
            if !request.caller.is_gone() {
                let frame = request.frame.clone();
                self.sent.push_back(request);
                return Some(frame);
            }
        }
        None
    }

    /// All waiting frames that are not cancelled, to be written before the connection ends.
    pub(crate) fn last_words(&mut self) -> Vec<Utf8Bytes> {
        let wanted = self.waiting.drain(..).filter(|request| !request.caller.is_gone());
        wanted.map(|request| request.frame).collect()
    }

    /// Stores a data frame for the request that it answers. Returns false if it answers none.
    pub(crate) fn data(&mut self, kind: &str, payload: &RawValue) -> bool {
        // A `ref` that is not a text does not come from our hub.
        let named = serde_json::from_str::<AnswerTo<'_>>(payload.get()).unwrap_or_default().r#ref;
        let waiting = match &named {
            Some(id) => self.sent.iter_mut().find(|request| request.id == **id),
            None => self.sent.iter_mut().find(|request| request.data.is_none() && request.data_kind() == Some(kind)),
        };
        if let Some(request) = waiting {
            request.data = Some(payload.to_owned());
            return true;
        }
        // The request was cancelled.
        named.is_some()
    }

    /// Handles an ack. Returns the change it makes and the log's head at that time, even if the caller has cancelled.
    pub(crate) fn ack(&mut self, ack: AckPayload) -> Option<(Change, Option<Seq>)> {
        let request = self.take(&ack.r#ref)?;
        let seq = ack.seq;
        request.caller.answer(Ok(Answer { ack, data: request.data }));
        request.change.map(|change| (change, seq))
    }

    /// Returns whether a request that changes the register is unanswered.
    pub(crate) fn is_changing(&self) -> bool {
        self.sent.iter().any(|request| request.change.is_some())
    }

    /// Handles an error. Returns false if it belongs to no request.
    pub(crate) fn error(&mut self, error: ErrorPayload) -> bool {
        let request = match &error.r#ref {
            Some(id) => self.take(id),
            // 0.1.0 answers in order, so the error belongs to the oldest request.
            None => self.sent.pop_front(),
        };
        let Some(request) = request else { return false };
        request.caller.answer(Err(Error::refused(error)));
        true
    }

    /// The frames of all sent requests that are not cancelled, to repeat on a new connection. Their data is requested
    /// again.
    pub(crate) fn again(&mut self) -> Vec<Utf8Bytes> {
        self.sent.retain(|request| !request.caller.is_gone());
        self.sent.iter_mut().for_each(|request| request.data = None);
        self.sent.iter().map(|request| request.frame.clone()).collect()
    }

    /// Fails the largest sent request, after the peer closed the connection because of a frame's size. Whatever the
    /// peer's limit is, the largest frame exceeds it and was not accepted.
    pub(crate) fn fail_largest(&mut self) {
        let largest = (0..self.sent.len()).max_by_key(|at| self.sent[*at].frame.len());
        let Some(request) = largest.and_then(|at| self.sent.remove(at)) else { return };
        let code = CloseCode::TooBig.as_u16();
        let bytes = request.frame.len();
        let detail = format!("the peer closed the connection ({code}) over a frame of {bytes} bytes: send it in parts");
        request.caller.answer(Err(Error::Invalid(Refusal::new(ErrorCode::TooLarge, detail))));
    }

    /// Fails all requests.
    pub(crate) fn fail(&mut self, error: &Error) {
        for request in self.sent.drain(..).chain(self.waiting.drain(..)) {
            request.caller.answer(Err(error.clone()));
        }
    }

    fn take(&mut self, id: &str) -> Option<Request> {
        // The ack nearly always answers the oldest request.
        let at = self.sent.iter().position(|request| request.id == id)?;
        self.sent.remove(at)
    }
}
