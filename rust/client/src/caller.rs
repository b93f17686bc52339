//! The receiver of a request's answer: a future, or a queue that another language's event loop drains.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::answer::Answer;
use crate::error::Error;

/// A queue of answers. Its owner numbers its requests with tickets, and gets one answer for each.
pub trait Answers: Send + Sync {
    /// Receives the answer to a request. Called from the connection's thread; must not block.
    fn answer(&self, ticket: u64, result: Result<Answer, Error>);

    /// Returns whether the owner still wants the answer. A request cancelled before it was written is not sent.
    fn is_wanted(&self, ticket: u64) -> bool;
}

/// The receiver of one answer.
pub(crate) enum Caller {
    Future(oneshot::Sender<Result<Answer, Error>>),
    Queue(Ticket),
}

/// A ticket for one answer in a queue. If it is dropped without an answer, it reports that the client is closed.
pub(crate) struct Ticket {
    number: u64,
    answers: Option<Arc<dyn Answers>>,
}

impl Caller {
    pub(crate) fn ticket(answers: &Arc<dyn Answers>, number: u64) -> Self {
        Self::Queue(Ticket { number, answers: Some(Arc::clone(answers)) })
    }

    pub(crate) fn answer(self, result: Result<Answer, Error>) {
        match self {
            // An error means that the caller cancelled.
            Self::Future(waiting) => drop(waiting.send(result)),
            Self::Queue(mut ticket) => {
                if let Some(answers) = ticket.answers.take() {
                    answers.answer(ticket.number, result);
                }
            }
        }
    }

    /// Returns whether the caller has cancelled.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Future(waiting) => waiting.is_closed(),
            Self::Queue(ticket) => ticket.answers.as_ref().is_none_or(|answers| !answers.is_wanted(ticket.number)),
        }
    }

    /// Drops the receiver without an answer, because the caller gets the error in another way.
    pub(crate) fn release(self) {
        if let Self::Queue(mut ticket) = self {
            ticket.answers = None;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(answers) = self.answers.take() {
            answers.answer(self.number, Err(Error::Closed));
        }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Future(_) => "Future",
            Self::Queue(_) => "Queue",
        })
    }
}
